#include "runtime/stub_buffer.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <linux/memfd.h>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

// Newer than Debian 12's headers. Source: linux/memfd.h of 6.3, linux/fcntl.h of 6.3.
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace runtime {
namespace {

constexpr int all_but_exec_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

/// Kernels before 6.3 refuse MFD_EXEC (EINVAL) and make every memfd executable.
base::UniqueFd open_executable_memfd(const char* name) {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  base::UniqueFd fd{::memfd_create(name, flags | MFD_EXEC)};
  if (!fd && errno == EINVAL) fd = base::UniqueFd{::memfd_create(name, flags)};
  return fd;
}

/// Kernels before 6.3 do not know F_SEAL_EXEC.
void seal(int fd, bool executable) {
  const int exec_seal = executable ? F_SEAL_EXEC : 0;
  if (::fcntl(fd, F_ADD_SEALS, all_but_exec_seals | exec_seal) == 0) return;
  if (errno == EINVAL && ::fcntl(fd, F_ADD_SEALS, all_but_exec_seals) == 0) return;
  throw base::os_error("sealing a memfd");
}

/// An unnamed file, opened again for reading only, since one that is open for writing cannot be executed (ETXTBSY).
/// Unlike a sealed memfd the container may write to it, but only this one container ever executes it.
std::optional<base::UniqueFd> try_unnamed_file(const char* directory, std::string_view image) {
  base::UniqueFd writer{::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0500)};
  if (!writer) return std::nullopt;
  base::write_all(writer.get(), image);
  const std::string path = base::concat("/proc/self/fd/", writer.get());
  base::UniqueFd reader{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!reader || ::faccessat(AT_FDCWD, path.c_str(), X_OK, 0) != 0) return std::nullopt;  // EACCES on noexec mounts
  return reader;
}

base::UniqueFd make_executable_file(std::string_view image) {
  for (const char* directory : {"/dev/shm", "/tmp", "/var/tmp"})
    if (std::optional<base::UniqueFd> fd = try_unnamed_file(directory, image)) return std::move(*fd);
  throw base::Error{base::ErrorKind::unsupported, "there is no place from which a program made by us may be executed",
                    "set vm.memfd_noexec to 0 or 1 with sysctl, or mount /dev/shm or /tmp without noexec"};
}

}  // namespace

StubBuffer::StubBuffer(std::size_t header_bytes, std::size_t max_bytes, std::string_view what)
    : header_bytes_(header_bytes), max_bytes_(max_bytes), what_(what), bytes_(header_bytes, '\0') {}

std::uint32_t StubBuffer::checked(std::size_t size) const {
  if (size > max_bytes_)
    throw base::make_error(base::ErrorKind::invalid_argument, what_, " is too large: arguments and environment take ",
                           size, " bytes, at most ", max_bytes_, " are possible");
  return static_cast<std::uint32_t>(size);
}

std::uint32_t StubBuffer::add_string(std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    throw base::make_error(base::ErrorKind::invalid_argument, what_,
                           " holds a string with a NUL byte: ", base::quoted(text));
  const std::uint32_t offset = checked(bytes_.size());
  bytes_.append(text).push_back('\0');
  return offset;
}

std::uint32_t StubBuffer::add_strings(const std::vector<std::string>& texts) {
  std::vector<std::uint32_t> offsets;
  offsets.reserve(texts.size());
  for (const std::string& text : texts) offsets.push_back(add_string(text));
  return add_bytes(offsets.data(), offsets.size() * sizeof(std::uint32_t));
}

std::uint32_t StubBuffer::add_bytes(const void* bytes, std::size_t size) {
  if (size == 0) return 0;
  bytes_.resize((bytes_.size() + 7) / 8 * 8);
  const std::uint32_t offset = checked(bytes_.size());
  bytes_.append(static_cast<const char*>(bytes), size);
  return offset;
}

std::string StubBuffer::finish(const void* header) && {
  total_size();  // checks the limit
  std::memcpy(bytes_.data(), header, header_bytes_);
  bytes_.push_back('\0');
  return std::move(bytes_);
}

base::UniqueFd make_executable(const char* name, std::string_view image) {
  base::UniqueFd fd = open_executable_memfd(name);
  if (!fd && errno == EACCES) return make_executable_file(image);  // vm.memfd_noexec=2
  if (!fd) throw base::os_error("making a memfd");
  base::with_context([&] { base::write_all(fd.get(), image); }, "filling the memfd ", base::quoted(name));
  seal(fd.get(), true);
  return fd;
}

int exec_stub(int executable_fd, const char* name, int plan_fd) noexcept {
  std::array<char, 16> number{};
  std::to_chars(number.data(), number.data() + number.size() - 1, plan_fd);
  if (!make_inheritable(plan_fd)) return errno;
  const std::array<const char*, 3> argv{name, number.data(), nullptr};
  const std::array<const char*, 1> envp{nullptr};
  ::syscall(SYS_execveat, executable_fd, "", argv.data(), envp.data(), AT_EMPTY_PATH);
  return errno;
}

bool make_inheritable(int fd) noexcept {
  return fd < 0 || ::fcntl(fd, F_SETFD, 0) == 0;
}

base::UniqueFd make_plan_fd(std::string_view bytes) {
  base::UniqueFd fd{::memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) throw base::os_error("making a memfd");
  base::with_context([&] { base::write_all(fd.get(), bytes); }, "filling a memfd with a plan");
  seal(fd.get(), false);
  return fd;
}

}  // namespace runtime
