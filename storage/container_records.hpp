#pragma once

#include <string>
#include <string_view>

#include "storage/container_list.hpp"
#include "storage/containers.hpp"

// containers/<id>/record and state as JSON; the only code that knows their keys.

namespace storage {

std::string render_record(const ContainerRecord& record);
ContainerRecord parse_container_record(std::string_view bytes, std::string what);
ListedContainer parse_listed_record(std::string_view bytes, const std::string& id);
std::string render_state(const ContainerState& state);
/// Of a container that is being made.
inline constexpr std::string_view unfinished_state = R"({"status":"creating"})";
/// @param what  What the bytes are, for errors: this, and the id.
ContainerState parse_state(std::string_view bytes, std::string_view what, const std::string& id);

}  // namespace storage
