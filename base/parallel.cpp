#include "base/parallel.hpp"

#include <algorithm>
#include <exception>
#include <sched.h>
#include <system_error>
#include <thread>
#include <vector>

namespace base {
namespace {

constexpr std::size_t least_items = 128;  // reading so many files takes about ten times what starting a thread does
constexpr std::size_t most_parts = 4;

std::size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<std::size_t>(CPU_COUNT(&set)) : 1;
}

}  // namespace

void for_parts(std::size_t count, const std::function<void(std::size_t first, std::size_t last)>& work) {
  const std::size_t wanted = std::clamp<std::size_t>(count / least_items, 1, most_parts);
  const std::size_t parts = wanted == 1 ? 1 : std::clamp<std::size_t>(usable_cpus(), 1, wanted);
  std::vector<std::exception_ptr> failures(parts);
  const auto run = [&](std::size_t part) {
    try {
      work(count * part / parts, count * (part + 1) / parts);
    } catch (...) {
      failures[part] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(parts);
  std::size_t started = 1;
  try {
    for (; started < parts; ++started) threads.emplace_back(run, started);
  } catch (const std::system_error&) {  // a limit of processes: what is left is done here
  }
  run(0);
  for (std::size_t part = started; part < parts; ++part) run(part);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace base
