#include "cmd/shapes.hpp"

namespace cmd {

const std::string_view volume_shapes = R"(define.InspectVolumeData
  Name string
  Driver string
  Mountpoint string
  CreatedAt time.Time
  Status map[string]any Status,omitempty
  Labels map[string]string
  Scope string
  Options map[string]string
  UID int UID,omitempty
  GID int GID,omitempty
  Anonymous bool Anonymous,omitempty
  MountCount uint
  NeedsCopyUp bool NeedsCopyUp,omitempty
  NeedsChown bool NeedsChown,omitempty
  Timeout uint Timeout,omitempty
  StorageID string StorageID,omitempty
entities.VolumeConfigResponse
  define.InspectVolumeData embedded
entities.VolumeInspectReport
  *entities.VolumeConfigResponse embedded
entities.VolumeListReport
  entities.VolumeConfigResponse embedded
  Label map[string]string method Labels
)";

const std::string_view info_shapes = R"(define.Info
  Host *define.HostInfo host
  Store *define.StoreInfo store
  Registries map[string]any registries
  Plugins define.Plugins plugins
  Version define.Version version
  Mode map[string]any mode
define.HostInfo
  Arch string arch
  BuildahVersion string buildahVersion
  CgroupManager string cgroupManager
  CgroupsVersion string cgroupVersion
  CgroupControllers []string cgroupControllers
  Conmon *define.ConmonInfo conmon
  CPUs int cpus
  CPUUtilization *define.CPUUsage cpuUtilization
  Distribution define.DistributionInfo distribution
  EventLogger string eventLogger
  Hostname string hostname
  IDMappings define.IDMappings idMappings
  Kernel string kernel
  LogDriver string logDriver
  MemFree int64 memFree
  MemTotal int64 memTotal
  NetworkBackend string networkBackend
  OCIRuntime *define.OCIRuntimeInfo ociRuntime
  OS string os
  RemoteSocket *define.RemoteSocket remoteSocket
  RuntimeInfo map[string]any runtimeInfo,omitempty
  ServiceIsRemote bool serviceIsRemote
  Security define.SecurityInfo security
  Slirp4NetNS define.SlirpInfo slirp4netns
  SwapFree int64 swapFree
  SwapTotal int64 swapTotal
  Uptime string uptime
  Linkmode string linkmode
  Pasta define.SlirpInfo pasta
define.StoreInfo
  ConfigFile string configFile
  ContainerStore define.ContainerStore containerStore
  GraphDriverName string graphDriverName
  GraphOptions map[string]any graphOptions
  GraphRoot string graphRoot
  GraphRootAllocated uint64 graphRootAllocated
  GraphRootUsed uint64 graphRootUsed
  GraphStatus map[string]string graphStatus
  ImageCopyTmpDir string imageCopyTmpDir
  ImageStore define.ImageStore imageStore
  RunRoot string runRoot
  VolumePath string volumePath
  Place map[string]any place
  SharedStores []string sharedStores
define.ContainerStore
  Number int64 number
  Paused int64 paused
  Running int64 running
  Stopped int64 stopped
define.ImageStore
  Number int64 number
define.ConmonInfo
  Package string package
  Path string path
  Version string version
define.OCIRuntimeInfo
  Name string name
  Package string package
  Path string path
  Version string version
define.RemoteSocket
  Path string path
  Exists bool exists,omitempty
define.IDMappings
  GIDMap []idtools.IDMap gidmap
  UIDMap []idtools.IDMap uidmap
define.CPUUsage
  UserPercent float64 userPercent
  SystemPercent float64 systemPercent
  IdlePercent float64 idlePercent
define.DistributionInfo
  Distribution string distribution
  Variant string variant,omitempty
  Version string version
  Codename string codename,omitempty
define.SecurityInfo
  AppArmorEnabled bool apparmorEnabled
  DefaultCapabilities string capabilities
  Rootless bool rootless
  SECCOMPEnabled bool seccompEnabled
  SECCOMPProfilePath string seccompProfilePath
  SELinuxEnabled bool selinuxEnabled
define.SlirpInfo
  Executable string executable
  Package string package
  Version string version
define.Plugins
  Volume []string volume
  Network []string network
  Log []string log
  Authorization []string authorization
idtools.IDMap
  ContainerID int container_id
  HostID int host_id
  Size int size
define.Version
  APIVersion string
  Version string
  GoVersion string
  GitCommit string
  BuiltTime string
  Built int64
  OsArch string
  Os string
  BuildId string BuildId,omitempty
)";

const std::string_view version_shapes = R"(define.Version
  APIVersion string
  Version string
  GoVersion string
  GitCommit string
  BuiltTime string
  Built int64
  OsArch string
  Os string
  BuildId string BuildId,omitempty
entities.SystemVersionReport
  Client *define.Version Client,omitempty
  Server *define.Version Server,omitempty
)";

const std::string_view usage_shapes = R"(system.dfSummary
  Type string
  Total int
  Active int
  RawSize int64 Size
  RawReclaimable int64 Reclaimable
  Size string method
  Reclaimable string method
)";

const std::string_view search_shapes = R"(entities.ImageSearchReport
  Index string
  Name string
  Description string
  Stars int
  Official string
  Automated string
  Tag string
)";

const std::string_view artifact_shapes = R"(artifact.artifactListOutput
  Digest string
  Repository string
  Size string
  Tag string
  VirtualSize int64
)";

}  // namespace cmd
