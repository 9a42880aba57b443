#include "engine/program_loader.hpp"

#include <climits>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "rootless/host_facts.hpp"

namespace engine {
namespace {

constexpr unsigned max_program_headers = 64;
constexpr unsigned max_dynamic_entries = 1024;
constexpr std::size_t max_cache_bytes = 16U << 20U;
constexpr const char* loader_cache = "/etc/ld.so.cache";

/// False when the file ends before.
template <typename Struct>
bool read_at(int fd, std::uint64_t offset, Struct& into) {
  return ::pread(fd, &into, sizeof(into), static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof(into));
}

/// The text up to its zero; empty when there is none.
std::string text_at(int fd, std::uint64_t offset) {
  std::string text(PATH_MAX, '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), static_cast<off_t>(offset));
  if (size <= 0) return {};
  const std::size_t end = text.find('\0');
  return end < static_cast<std::size_t>(size) ? text.substr(0, end) : std::string{};
}

std::vector<Elf64_Phdr> program_headers(int fd) {
  Elf64_Ehdr header{};
  if (!read_at(fd, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) return {};
  std::vector<Elf64_Phdr> headers;
  for (unsigned number = 0; number < header.e_phnum && number < max_program_headers; ++number) {
    Elf64_Phdr one{};
    if (!read_at(fd, header.e_phoff + number * sizeof(one), one)) return {};
    headers.push_back(one);
  }
  return headers;
}

const Elf64_Phdr* find_header(const std::vector<Elf64_Phdr>& headers, Elf64_Word type) {
  for (const Elf64_Phdr& one : headers) {
    if (one.p_type == type) return &one;
  }
  return nullptr;
}

/// Where in the file lies what a process finds at this address.
std::uint64_t offset_of(const std::vector<Elf64_Phdr>& headers, std::uint64_t address) {
  for (const Elf64_Phdr& one : headers) {
    if (one.p_type == PT_LOAD && address >= one.p_vaddr && address - one.p_vaddr < one.p_filesz)
      return address - one.p_vaddr + one.p_offset;
  }
  return 0;
}

/// None for a program that says itself where its libraries are.
std::vector<std::string> libraries_of(int fd, const std::vector<Elf64_Phdr>& headers) {
  const Elf64_Phdr* dynamic = find_header(headers, PT_DYNAMIC);
  if (dynamic == nullptr) return {};
  std::uint64_t names = 0;
  std::vector<std::uint64_t> needed;
  for (unsigned number = 0; number < max_dynamic_entries; ++number) {
    Elf64_Dyn entry{};
    if (!read_at(fd, dynamic->p_offset + number * sizeof(entry), entry) || entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) return {};
    if (entry.d_tag == DT_STRTAB) names = offset_of(headers, entry.d_un.d_ptr);
    if (entry.d_tag == DT_NEEDED) needed.push_back(entry.d_un.d_val);
  }
  std::vector<std::string> found;
  if (names == 0) return found;
  for (const std::uint64_t offset : needed) found.push_back(text_at(fd, names + offset));
  return found;
}

/// What the loader knows by name; empty where it has no such list.
std::string read_loader_cache() {
  const base::UniqueFd fd{::open(loader_cache, O_RDONLY | O_CLOEXEC)};
  try {
    return fd ? base::read_to_end(fd.get(), max_cache_bytes) : std::string{};
  } catch (const base::Error&) {
    return {};
  }
}

}  // namespace

std::optional<std::string> missing_library(const std::string& program) {
  const base::UniqueFd fd{::open(program.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return std::nullopt;
  const std::vector<Elf64_Phdr> headers = program_headers(fd.get());
  const Elf64_Phdr* interpreter = find_header(headers, PT_INTERP);
  if (interpreter == nullptr) return std::nullopt;
  const std::string loader = text_at(fd.get(), interpreter->p_offset);
  if (loader.empty()) return std::nullopt;
  if (::access(loader.c_str(), F_OK) != 0) return loader;
  if (rootless::environment("LD_LIBRARY_PATH")) return std::nullopt;
  const std::string cache = read_loader_cache();
  if (cache.empty()) return std::nullopt;
  char resolved[PATH_MAX];
  const std::string place = ::realpath(loader.c_str(), resolved) == nullptr ? loader : std::string{resolved};
  for (const std::string& library : libraries_of(fd.get(), headers)) {
    // A name in the list has a zero behind it, and a slash or zero before it.
    const std::string terminated{library.c_str(), library.size() + 1};
    const bool is_known = cache.find('/' + terminated) != std::string::npos;
    const std::string beside = place.substr(0, place.rfind('/') + 1) + library;
    if (!library.empty() && !is_known && ::access(beside.c_str(), F_OK) != 0) return library;
  }
  return std::nullopt;
}

}  // namespace engine
