#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/progress.hpp"

namespace cmd {

enum class ProgressStyle {
  automatic,  ///< Bars when standard error is a terminal, else plain.
  bars,
  plain,  ///< One line an item, when it ends.
  json,   ///< One object a line: when an item begins, about each second, and when it ends.
  none,
};

/// Shows progress on standard error.
std::unique_ptr<base::Progress> make_progress(ProgressStyle style);

/// "layer 4bcf0a9d3e21  [=====>      ]  12.1MB / 48.2MB  8.3MB/s  4s", at most `width` columns. `total` 0: not known.
std::string bar_line(const std::string& item, std::uint64_t done, std::uint64_t total, std::chrono::milliseconds passed,
                     std::size_t width);

}  // namespace cmd
