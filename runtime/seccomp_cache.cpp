#include "runtime/seccomp_cache.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "runtime/seccomp_names.hpp"

namespace runtime {
namespace {

/// To be raised whenever the compiler gives another program for the same profile.
constexpr int compiler_version = 2;
constexpr std::size_t digest_digits = 64;
constexpr std::size_t max_file_bytes = digest_digits + 1 + sizeof(unsigned) + BPF_MAXINSNS * sizeof(sock_filter);

/// Files that are kept: some containers' profiles, each of a few kilobytes.
constexpr std::size_t max_files = 64;

bool belongs_to_us(const struct stat& status) {
  return status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool is_our_folder(int fd) {
  struct stat status {};
  return fd >= 0 && ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && belongs_to_us(status);
}

std::optional<std::string> read_our_file(int folder, const std::string& name) {
  const std::optional<base::UniqueFd> file = base::try_open_file(folder, name);
  struct stat status {};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode) || !belongs_to_us(status))
    return std::nullopt;
  return base::read_to_end(file->get(), max_file_bytes);
}

/// Flags, then instructions.
std::optional<SeccompFilter> decode(std::string_view text) {
  if (text.size() < digest_digits + 1 + sizeof(unsigned)) return std::nullopt;
  const std::string_view payload = text.substr(digest_digits + 1);
  const std::size_t program_bytes = payload.size() - sizeof(unsigned);
  if (base::sha256(payload).hex() != text.substr(0, digest_digits) || program_bytes % sizeof(sock_filter) != 0)
    return std::nullopt;
  SeccompFilter filter;
  std::memcpy(&filter.flags, payload.data(), sizeof(unsigned));
  filter.program.resize(program_bytes / sizeof(sock_filter));
  std::memcpy(filter.program.data(), payload.data() + sizeof(unsigned), program_bytes);
  return filter;
}

std::string encode(const SeccompFilter& filter) {
  std::string payload(sizeof(unsigned), '\0');
  std::memcpy(payload.data(), &filter.flags, sizeof(unsigned));
  payload.append(reinterpret_cast<const char*>(filter.program.data()), filter.program.size() * sizeof(sock_filter));
  return base::concat(base::sha256(payload).hex(), '\n', payload);
}

/// Nanoseconds since 1970; the far past when it is gone.
std::int64_t written_at(int folder, const std::string& name) {
  struct stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

/// Removes the oldest files, what killed writers left included. Others may do the same at the same time.
void make_room(int folder) {
  std::vector<std::pair<std::int64_t, std::string>> files;
  for (std::string& name : base::list_directory(folder, ".")) files.emplace_back(0, std::move(name));
  if (files.size() < max_files) return;
  for (auto& [time, name] : files) time = written_at(folder, name);
  std::sort(files.begin(), files.end());
  files.resize(files.size() - max_files + 1);
  for (const auto& [time, name] : files) ::unlinkat(folder, name.c_str(), 0);
}

}  // namespace

SeccompCache::SeccompCache(int folder_fd, std::string_view seccomp_json) {
  if (!is_our_folder(folder_fd)) return;
  folder_ = folder_fd;
  name_ = base::sha256(base::concat(compiler_version, '\n', syscall_table_version(), '\n', native_architecture().name,
                                    '\n', seccomp_json))
              .hex();
}

std::optional<SeccompFilter> SeccompCache::find() const {
  if (folder_ < 0) return std::nullopt;
  try {
    const std::optional<std::string> text = read_our_file(folder_, name_);
    return text ? decode(*text) : std::nullopt;
  } catch (const base::Error& error) {  // unreadable or too long: as if it were not there
    base::log(base::LogLevel::debug, "seccomp cache: ", error.message());
    return std::nullopt;
  }
}

void SeccompCache::store(const SeccompFilter& filter) const noexcept {
  if (folder_ < 0) return;
  try {
    make_room(folder_);
    base::write_file_atomically(folder_, name_, encode(filter), base::Durability::volatile_, 0400);
  } catch (const std::exception& error) {
    base::log(base::LogLevel::debug, "seccomp cache: ", error.what());
  }
}

}  // namespace runtime
