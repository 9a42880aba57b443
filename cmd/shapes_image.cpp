#include "cmd/shapes.hpp"

namespace cmd {

const std::string_view image_shapes = R"(inspect.ImageData
  ID string Id
  Digest string
  RepoTags []string
  RepoDigests []string
  Parent string
  Comment string
  Created *time.Time
  Config *v1.ImageConfig
  Version string
  Author string
  Architecture string
  Os string
  Size int64
  VirtualSize int64
  GraphDriver *define.DriverData
  RootFS *inspect.RootFS
  Labels map[string]string
  Annotations map[string]string
  ManifestType string
  User string
  History []v1.History
  NamesHistory []string
  HealthCheck *manifest.Schema2HealthConfig Healthcheck,omitempty
  Variant string Variant,omitempty
v1.ImageConfig
  User string User,omitempty
  ExposedPorts map[string]struct{} ExposedPorts,omitempty
  Env []string Env,omitempty
  Entrypoint []string Entrypoint,omitempty
  Cmd []string Cmd,omitempty
  Volumes map[string]struct{} Volumes,omitempty
  WorkingDir string WorkingDir,omitempty
  Labels map[string]string Labels,omitempty
  StopSignal string StopSignal,omitempty
  ArgsEscaped bool ArgsEscaped,omitempty
  Healthcheck *manifest.Schema2HealthConfig Healthcheck,omitempty
  Shell []string Shell,omitempty
  OnBuild []string OnBuild,omitempty
inspect.RootFS
  Type string
  Layers []digest.Digest
entities.ImageSummary
  ID string Id
  ParentId string
  RepoTags []string
  RepoDigests []string
  Created int64
  Size int64
  SharedSize int
  VirtualSize int64
  Labels map[string]string
  Containers int
  ReadOnly bool ReadOnly,omitempty
  Dangling bool Dangling,omitempty
  Names []string Names,omitempty
  Digest string Digest,omitempty
  History []string History,omitempty
entities.ImageHistoryLayer
  ID string id
  Created time.Time created
  CreatedBy string CreatedBy,omitempty
  Tags []string tags,omitempty
  Size int64 size
  Comment string comment,omitempty
manifest.Schema2HealthConfig
  Test []string Test,omitempty
  StartPeriod time.Duration StartPeriod,omitempty
  StartInterval time.Duration StartInterval,omitempty
  Interval time.Duration Interval,omitempty
  Timeout time.Duration Timeout,omitempty
  Retries int Retries,omitempty
v1.History
  Created *time.Time created,omitempty
  CreatedBy string created_by,omitempty
  Author string author,omitempty
  Comment string comment,omitempty
  EmptyLayer bool empty_layer,omitempty
define.DriverData
  Name string
  Data map[string]string
entities.ImageInspectReport
  *inspect.ImageData embedded
images.imageReporter
  Repository string Repository,omitempty
  Tag string Tag,omitempty
  entities.ImageSummary embedded
  ID string method
  Created string method
  CreatedAt string method
  CreatedSince string method
  CreatedTime string method
  History string method
  IsDangling bool method
  IsReadOnly bool method
  Size string method
images.historyReporter
  entities.ImageHistoryLayer embedded
  ID string method
  Created string method
  CreatedAt string method
  CreatedBy string method
  CreatedSince string method
  Size string method
)";

}  // namespace cmd
