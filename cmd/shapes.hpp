#pragma once

#include <string_view>

// The shapes of what commands show, as Go's types have them in podman 4.3: names of fields, their types, and their
// names in JSON. Templates ask for the former, and print values as the types say. engine/templates/type.hpp explains
// the notation. Fields that podman has not are at the end of their struct.

namespace cmd {

// shapes_container.cpp
extern const std::string_view container_shapes;  ///< entities.ContainerInspectReport
// shapes_image.cpp
extern const std::string_view
    image_shapes;  ///< entities.ImageInspectReport, images.imageReporter, images.historyReporter
// shapes_host.cpp
extern const std::string_view volume_shapes;    ///< entities.VolumeInspectReport, entities.VolumeListReport
extern const std::string_view info_shapes;      ///< define.Info
extern const std::string_view version_shapes;   ///< entities.SystemVersionReport
extern const std::string_view usage_shapes;     ///< system.dfSummary
extern const std::string_view search_shapes;    ///< entities.ImageSearchReport
extern const std::string_view artifact_shapes;  ///< artifact.artifactListOutput
// shapes_list.cpp
extern const std::string_view list_shapes;  ///< containers.psReporter

}  // namespace cmd
