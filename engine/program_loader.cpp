#include "engine/program_loader.hpp"

#include <climits>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace engine {
namespace {

constexpr unsigned max_program_headers = 64;

/// False when the file ends before.
template <typename Struct>
bool read_at(int fd, std::uint64_t offset, Struct& into) {
  return ::pread(fd, &into, sizeof(into), static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof(into));
}

std::string read_text(int fd, const Elf64_Phdr& where) {
  if (where.p_filesz == 0 || where.p_filesz > PATH_MAX) return {};
  std::string text(where.p_filesz, '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), static_cast<off_t>(where.p_offset));
  return size == static_cast<ssize_t>(text.size()) ? text.c_str() : std::string{};
}

}  // namespace

std::optional<std::string> missing_loader(const std::string& program) {
  const base::UniqueFd fd{::open(program.c_str(), O_RDONLY | O_CLOEXEC)};
  Elf64_Ehdr header{};
  if (!fd || !read_at(fd.get(), 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) return std::nullopt;
  for (unsigned number = 0; number < header.e_phnum && number < max_program_headers; ++number) {
    Elf64_Phdr part{};
    if (!read_at(fd.get(), header.e_phoff + number * sizeof(part), part)) return std::nullopt;
    if (part.p_type != PT_INTERP) continue;
    std::string loader = read_text(fd.get(), part);
    if (loader.empty() || ::access(loader.c_str(), F_OK) == 0) return std::nullopt;
    return loader;
  }
  return std::nullopt;
}

}  // namespace engine
