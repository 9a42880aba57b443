#pragma once

#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "storage/images.hpp"

namespace engine {

struct ImageForRun {
  storage::ImageRecord record;
  std::string name;      ///< As shown in `ps`: the stored name that was meant, else the id.
  storage::GcHold hold;  ///< Until the container's record is published.
};

/// Finds the image that `run` or `create` named, with its layers unpacked for our id map; pulls it as --pull says.
ImageForRun find_or_pull(Engine& engine, const RunOptions& options);

}  // namespace engine
