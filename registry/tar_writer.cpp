#include "registry/tar_writer.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace registry {

namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::size_t max_name_bytes = 100;
constexpr std::uint64_t max_octal_size = 0'777'7777'7777;  // eleven digits

using Block = std::array<char, block_bytes>;

void put_octal(Block& block, std::size_t offset, std::size_t digits, std::uint64_t value) {
  for (std::size_t index = digits; index-- > 0; value >>= 3)
    block[offset + index] = static_cast<char>('0' + static_cast<char>(value & 7));
}

void put_size(Block& block, std::uint64_t size) {
  if (size <= max_octal_size) return put_octal(block, 124, 11, size);
  block[124] = '\x80';
  for (std::size_t index = 135; index > 127; --index, size >>= 8) block[index] = static_cast<char>(size & 0xff);
}

void put_text(Block& block, std::size_t offset, std::string_view text) {
  std::memcpy(block.data() + offset, text.data(), text.size());
}

Block make_header(std::string_view name, char type, std::uint64_t size, std::string_view link) {
  if (name.size() > max_name_bytes || link.size() > max_name_bytes)
    throw base::make_error(base::ErrorKind::internal, base::quoted(name), " is too long for a tar header");
  Block block{};
  put_text(block, 0, name);
  put_octal(block, 100, 7, type == '5' ? 0755 : 0444);
  put_octal(block, 108, 7, 0);  // uid
  put_octal(block, 116, 7, 0);  // gid
  put_size(block, size);
  put_octal(block, 136, 11, 0);  // time
  block[156] = type;
  put_text(block, 157, link);
  put_text(block, 257, std::string_view{"ustar\00000", 8});
  std::memset(block.data() + 148, ' ', 8);
  std::uint64_t sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  put_octal(block, 148, 6, sum);
  block[154] = '\0';
  return block;
}

std::uint64_t position_of(int fd) {
  const off_t position = ::lseek(fd, 0, SEEK_CUR);
  if (position < 0) throw base::os_error("asking for the place in the archive");
  return static_cast<std::uint64_t>(position);
}

}  // namespace

TarWriter::TarWriter(int fd) : fd_(fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw base::os_error("looking at the archive");
  const int flags = ::fcntl(fd, F_GETFL);
  // With O_APPEND, pwrite(2) writes to the end whatever place it is given (its BUGS section).
  can_go_back_ = S_ISREG(status.st_mode) && flags >= 0 && (flags & O_APPEND) == 0;
}

void TarWriter::write_header(const std::string& name, char type, std::uint64_t size, std::string_view link) {
  const Block block = make_header(name, type, size, link);
  base::write_all(fd_, {block.data(), block.size()});
}

void TarWriter::pad() {
  static constexpr Block zeros{};
  if (const std::size_t rest = member_bytes_ % block_bytes; rest != 0)
    base::write_all(fd_, {zeros.data(), block_bytes - rest});
}

void TarWriter::add_file(const std::string& name, std::string_view bytes) {
  begin_file(name, bytes.size());
  write(bytes);
  end_file();
}

void TarWriter::add_folder(const std::string& name) {
  write_header(name + '/', '5', 0, {});
}

void TarWriter::add_link(const std::string& name, std::string_view target) {
  write_header(name, '2', 0, target);
}

void TarWriter::begin_file(const std::string& name, std::uint64_t size_bytes) {
  write_header(name, '0', size_bytes, {});
  promised_bytes_ = size_bytes;
  member_bytes_ = 0;
}

void TarWriter::write(std::string_view bytes) {
  base::write_all(fd_, bytes);
  member_bytes_ += bytes.size();
}

void TarWriter::end_file() {
  if (member_bytes_ != promised_bytes_)
    throw base::make_error(base::ErrorKind::internal, "a member of the archive has ", member_bytes_,
                           " bytes instead of ", promised_bytes_);
  pad();
}

void TarWriter::begin_unnamed_file() {
  header_at_ = position_of(fd_);
  static constexpr Block zeros{};
  base::write_all(fd_, {zeros.data(), zeros.size()});
  member_bytes_ = 0;
}

void TarWriter::end_unnamed_file(const std::string& name) {
  pad();
  const Block block = make_header(name, '0', member_bytes_, {});
  const ssize_t written = ::pwrite(fd_, block.data(), block.size(), static_cast<off_t>(header_at_));
  if (written < 0) throw base::os_error("writing a header of the archive");
  if (written != static_cast<ssize_t>(block.size()))
    throw base::Error(base::ErrorKind::no_space, "a header of the archive was not written whole");
}

void TarWriter::discard_unnamed_file() {
  if (::ftruncate(fd_, static_cast<off_t>(header_at_)) != 0 ||
      ::lseek(fd_, static_cast<off_t>(header_at_), SEEK_SET) < 0)
    throw base::os_error("taking a member of the archive back");
}

void TarWriter::finish() {
  static constexpr std::array<char, 2 * block_bytes> end{};
  base::write_all(fd_, {end.data(), end.size()});
}

}  // namespace registry
