#include "engine/inflate.hpp"

#include "storage/unpack_inflate.hpp"

namespace engine {

registry::Inflate layer_inflater() {
  return [](base::Source& compressed, oci::LayerCompression declared) {
    return storage::open_inflater(compressed, declared, storage::UnpackLimits{});
  };
}

}  // namespace engine
