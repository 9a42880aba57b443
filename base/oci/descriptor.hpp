#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/oci/platform.hpp"

namespace oci {

/// Source: OCI image-spec descriptor.md "Properties".
struct Descriptor {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size_bytes = 0;
  std::optional<Platform> platform;
  std::vector<std::pair<std::string, std::string>> annotations;
};

Descriptor parse_descriptor(const base::JsonAt& json);

}  // namespace oci
