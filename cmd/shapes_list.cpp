#include "cmd/shapes.hpp"

namespace cmd {

const std::string_view list_shapes = R"(entities.ListContainer
  AutoRemove bool
  Command []string
  Created time.Time
  CreatedAt string
  Exited bool
  ExitedAt int64
  ExitCode int32
  ID string Id
  Image string
  ImageID string
  IsInfra bool
  Labels map[string]string
  Mounts []string
  Names []string
  Namespaces entities.ListContainerNamespaces
  Networks []string
  Pid int
  Pod string
  PodName string
  Ports []types.PortMapping
  Size *define.ContainerSize
  StartedAt int64
  State string
  Status string
  Restarts uint Restarts,omitempty
  ExposedPorts map[uint16][]string ExposedPorts,omitempty
  CIDFile string CIDFile,omitempty
entities.ListContainerNamespaces
  MNT string Mnt,omitempty
  Cgroup string Cgroup,omitempty
  IPC string Ipc,omitempty
  NET string Net,omitempty
  PIDNS string Pidns,omitempty
  UTS string Uts,omitempty
  User string User,omitempty
types.PortMapping
  HostIP string host_ip
  ContainerPort uint16 container_port
  HostPort uint16 host_port
  Range uint16 range
  Protocol string protocol
define.ContainerSize
  RootFsSize int64 rootFsSize
  RwSize int64 rwSize
containers.psReporter
  entities.ListContainer embedded
  CGROUPNS string method
  Cgroup string method
  Command string method
  CreatedAt string method
  CreatedHuman string method
  ID string method
  IPC string method
  ImageID string method
  Label map[string]string method Labels
  MNT string method
  NET string method
  Names string method
  Networks string method
  PIDNS string method
  Pod string method
  Ports string method
  RunningFor string method
  Size string method
  Status string method
  USERNS string method
  UTS string method
  User string method
  LocalVolumes int method
)";

}  // namespace cmd
