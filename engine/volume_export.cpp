#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/inside.hpp"
#include "engine/volume_archive.hpp"
#include "engine/volume_options.hpp"
#include "engine/volumes.hpp"
#include "storage/pack_tree.hpp"
#include "storage/volumes.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

/// Few large writes: most of what an archive consists of is small.
class BufferedOutput final : public base::Sink {
 public:
  explicit BufferedOutput(int fd) : fd_(fd) { buffer_.reserve(buffer_bytes); }

  void write(std::string_view bytes) override {
    if (buffer_.size() + bytes.size() > buffer_bytes) flush();
    if (bytes.size() >= buffer_bytes) return write_out(bytes);
    buffer_.append(bytes);
  }

  void flush() {
    write_out(buffer_);
    buffer_.clear();
  }

 private:
  static constexpr std::size_t buffer_bytes = 128 * 1024;

  void write_out(std::string_view bytes) const {
    base::with_context([&] { base::write_all(fd_, bytes); }, "writing the archive");
  }

  int fd_;
  std::string buffer_;
};

}  // namespace

storage::Volume require_stored_volume(Engine& engine, const std::string& text) {
  const std::string name = find_volume_name(engine, text);
  auto volume = storage::find_volume(engine.store(), name);
  if (!volume) throw make_error(ErrorKind::not_found, "no such volume ", quoted(text));
  if (parse_volume_options(volume->words.options).kind != VolumeMeaning::Kind::folder)
    throw make_error(ErrorKind::unsupported, "volume ", quoted(name),
                     " is mounted from elsewhere: there is nothing of it in the store")
        .with_hint("its files can be reached inside a container, or with engine unshare engine volume mount");
  return std::move(*volume);
}

void export_volume(Engine& engine, const std::string& text, int output) {
  const storage::Volume volume = require_stored_volume(engine, text);
  run_inside(engine, {"export-volume", volume.name}, nullptr, output);
}

void export_volume_inside(Engine& engine, const std::string& name) {
  const auto volume = storage::find_volume(engine.store(), name);
  if (!volume) throw make_error(ErrorKind::not_found, "no such volume ", quoted(name));
  const base::UniqueFd root{::openat(volume->data.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening volume ", quoted(name));
  BufferedOutput output{STDOUT_FILENO};
  const storage::PackResult result = storage::pack_tree(root.get(), output);
  output.flush();
  if (result.skipped_sockets > 0)
    base::log(base::LogLevel::warn, result.skipped_sockets, " sockets are not in the archive");
}

}  // namespace engine
