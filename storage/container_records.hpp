#pragma once

#include <string>
#include <string_view>

#include "storage/containers.hpp"

// containers/<id>/record and state as JSON; the only code that knows their keys.

namespace storage {

std::string render_record(const ContainerRecord& record);
ContainerRecord parse_container_record(std::string_view bytes, std::string what);
/// Of a record only what lists show and choose by: id, name, created, image, rootfs, command, labels, volumes, network,
/// auto_remove. The rest is as in a ContainerRecord just made.
ContainerRecord parse_listed_record(std::string_view bytes, std::string what);
std::string render_state(const ContainerState& state);
ContainerState parse_state(std::string_view bytes, std::string what);

}  // namespace storage
