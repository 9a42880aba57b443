#pragma once

#include <cstddef>
#include <functional>

namespace base {

/// Calls `work(first, last)` for consecutive parts of 0..count, at once: one part for each CPU that we may use, four at
/// most, and no thread for few items. All have ended when it returns. @throws What the first part that failed threw.
void for_parts(std::size_t count, const std::function<void(std::size_t first, std::size_t last)>& work);

}  // namespace base
