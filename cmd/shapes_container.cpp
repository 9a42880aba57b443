#include "cmd/shapes.hpp"

namespace cmd {

const std::string_view container_shapes = R"(define.InspectContainerData
  ID string Id
  Created time.Time
  Path string
  Args []string
  State *define.InspectContainerState
  Image string
  ImageDigest string
  ImageName string
  Rootfs string
  Pod string
  ResolvConfPath string
  HostnamePath string
  HostsPath string
  StaticDir string
  OCIConfigPath string OCIConfigPath,omitempty
  OCIRuntime string
  ConmonPidFile string
  PidFile string
  Name string
  RestartCount int32
  Driver string
  MountLabel string
  ProcessLabel string
  AppArmorProfile string
  EffectiveCaps []string
  BoundingCaps []string
  ExecIDs []string
  GraphDriver *define.DriverData
  SizeRw *int64 SizeRw,omitempty
  SizeRootFs int64 SizeRootFs,omitempty
  Mounts []define.InspectMount
  Dependencies []string
  NetworkSettings *define.InspectNetworkSettings
  Namespace string
  IsInfra bool
  IsService bool
  Config *define.InspectContainerConfig
  HostConfig *define.InspectContainerHostConfig
define.InspectContainerState
  OciVersion string
  Status string
  Running bool
  Paused bool
  Restarting bool
  OOMKilled bool
  Dead bool
  Pid int
  ConmonPid int ConmonPid,omitempty
  ExitCode int32
  Error string
  StartedAt time.Time
  FinishedAt time.Time
  Health define.HealthCheckResults
  Checkpointed bool Checkpointed,omitempty
  CgroupPath string CgroupPath,omitempty
  CheckpointedAt time.Time
  RestoredAt time.Time
  CheckpointLog string CheckpointLog,omitempty
  CheckpointPath string CheckpointPath,omitempty
  RestoreLog string RestoreLog,omitempty
  Restored bool Restored,omitempty
  Monitored bool
define.HealthCheckResults
  Status string
  FailingStreak int
  Log []define.HealthCheckLog
define.DriverData
  Name string
  Data map[string]string
define.InspectNetworkSettings
  define.InspectBasicNetworkConfig embedded
  Bridge string
  SandboxID string
  HairpinMode bool
  LinkLocalIPv6Address string
  LinkLocalIPv6PrefixLen int
  Ports map[string][]define.InspectHostPort
  SandboxKey string
  Networks map[string]*define.InspectAdditionalNetwork Networks,omitempty
define.InspectBasicNetworkConfig
  EndpointID string
  Gateway string
  IPAddress string
  IPPrefixLen int
  SecondaryIPAddresses []define.Address SecondaryIPAddresses,omitempty
  IPv6Gateway string
  GlobalIPv6Address string
  GlobalIPv6PrefixLen int
  SecondaryIPv6Addresses []define.Address SecondaryIPv6Addresses,omitempty
  MacAddress string
  AdditionalMacAddresses []string AdditionalMacAddresses,omitempty
define.InspectContainerConfig
  Hostname string
  DomainName string Domainname
  User string
  AttachStdin bool
  AttachStdout bool
  AttachStderr bool
  Tty bool
  OpenStdin bool
  StdinOnce bool
  Env []string
  Cmd []string
  Image string
  Volumes map[string]struct{}
  WorkingDir string
  Entrypoint []string
  OnBuild *string
  Labels map[string]string
  Annotations map[string]string
  StopSignal string
  StartupHealthCheck *define.StartupHealthCheck StartupHealthCheck,omitempty
  Healthcheck *manifest.Schema2HealthConfig Healthcheck,omitempty
  HealthcheckOnFailureAction string HealthcheckOnFailureAction,omitempty
  HealthLogDestination string
  HealthMaxLogCount uint HealthcheckMaxLogCount
  HealthMaxLogSize uint HealthcheckMaxLogSize
  CreateCommand []string CreateCommand,omitempty
  Timezone string Timezone,omitempty
  SystemdMode bool SystemdMode,omitempty
  Umask string Umask,omitempty
  Secrets []*define.InspectSecret Secrets,omitempty
  Timeout uint
  StopTimeout uint
  Passwd *bool
  ChrootDirs []string ChrootDirs,omitempty
  SdNotifyMode string sdNotifyMode,omitempty
  SdNotifySocket string sdNotifySocket,omitempty
define.StartupHealthCheck
  Test []string Test,omitempty
  StartPeriod time.Duration StartPeriod,omitempty
  StartInterval time.Duration StartInterval,omitempty
  Interval time.Duration Interval,omitempty
  Timeout time.Duration Timeout,omitempty
  Retries int Retries,omitempty
  Successes int Successes,omitempty
manifest.Schema2HealthConfig
  Test []string Test,omitempty
  StartPeriod time.Duration StartPeriod,omitempty
  StartInterval time.Duration StartInterval,omitempty
  Interval time.Duration Interval,omitempty
  Timeout time.Duration Timeout,omitempty
  Retries int Retries,omitempty
define.InspectContainerHostConfig
  Binds []string
  CgroupManager string
  CgroupMode string
  ContainerIDFile string
  LogConfig *define.InspectLogConfig
  NetworkMode string
  PortBindings map[string][]define.InspectHostPort
  RestartPolicy *define.InspectRestartPolicy
  AutoRemove bool
  VolumeDriver string
  VolumesFrom []string
  CapAdd []string
  CapDrop []string
  Dns []string
  DnsOptions []string
  DnsSearch []string
  ExtraHosts []string
  GroupAdd []string
  IpcMode string
  Cgroup string
  Cgroups string
  Links []string
  OomScoreAdj int
  PidMode string
  Privileged bool
  PublishAllPorts bool
  ReadonlyRootfs bool
  SecurityOpt []string
  Tmpfs map[string]string
  UTSMode string
  UsernsMode string
  IDMappings *define.InspectIDMappings IDMappings,omitempty
  ShmSize int64
  Runtime string
  ConsoleSize []uint
  Isolation string
  CpuShares uint64
  Memory int64
  NanoCpus int64
  CgroupParent string
  BlkioWeight uint16
  BlkioWeightDevice []define.InspectBlkioWeightDevice
  BlkioDeviceReadBps []define.InspectBlkioThrottleDevice
  BlkioDeviceWriteBps []define.InspectBlkioThrottleDevice
  BlkioDeviceReadIOps []define.InspectBlkioThrottleDevice
  BlkioDeviceWriteIOps []define.InspectBlkioThrottleDevice
  CpuPeriod uint64
  CpuQuota int64
  CpuRealtimePeriod uint64
  CpuRealtimeRuntime int64
  CpusetCpus string
  CpusetMems string
  Devices []define.InspectDevice
  DiskQuota uint64
  KernelMemory int64
  MemoryReservation int64
  MemorySwap int64
  MemorySwappiness int64
  OomKillDisable bool
  Init bool Init,omitempty
  PidsLimit int64
  Ulimits []define.InspectUlimit
  CpuCount uint64
  CpuPercent uint64
  IOMaximumIOps uint64
  IOMaximumBandwidth uint64
  CgroupConf map[string]string
  Annotations map[string]string
define.InspectLogConfig
  Type string
  Config map[string]string
  Path string
  Tag string
  Size string
define.InspectRestartPolicy
  Name string
  MaximumRetryCount uint
define.InspectMount
  Type string
  Name string Name,omitempty
  Source string
  Destination string
  Driver string
  Mode string
  Options []string
  RW bool
  Propagation string
  SubPath string SubPath,omitempty
define.InspectHostPort
  HostIP string HostIp
  HostPort string
define.HealthCheckLog
  Start string
  End string
  ExitCode int
  Output string
define.Address
  Addr string
  PrefixLength int
define.InspectAdditionalNetwork
  define.InspectBasicNetworkConfig embedded
  NetworkID string NetworkID,omitempty
  DriverOpts map[string]string
  IPAMConfig map[string]string
  Links []string
  Aliases []string Aliases,omitempty
define.InspectSecret
  Name string
  ID string
  UID uint32
  GID uint32
  Mode uint32
define.InspectIDMappings
  UIDMap []string UidMap
  GIDMap []string GidMap
define.InspectBlkioWeightDevice
  Path string
  Weight uint16
define.InspectBlkioThrottleDevice
  Path string
  Rate uint64
define.InspectDevice
  PathOnHost string
  PathInContainer string
  CgroupPermissions string
define.InspectUlimit
  Name string
  Soft int64
  Hard int64
entities.ContainerInspectReport
  *define.InspectContainerData embedded
)";

}  // namespace cmd
