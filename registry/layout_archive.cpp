#include <mutex>
#include <set>

#include "registry/layout_files.hpp"
#include "registry/output_file.hpp"
#include "registry/tar_writer.hpp"

// write_archive_files of layout_files.hpp.

namespace registry {

namespace {

class TarSink final : public base::Sink {
 public:
  explicit TarSink(TarWriter& tar) : tar_(tar) {}
  void write(std::string_view bytes) override { tar_.write(bytes); }

 private:
  TarWriter& tar_;
};

class ArchiveFiles final : public LayoutFiles {
 public:
  explicit ArchiveFiles(const std::string& path) : file_(path), tar_(file_.fd()) {}

  bool has(const std::string& name, std::uint64_t, const base::Digest&) override {
    const std::lock_guard lock(mutex_);
    return names_.contains(name);
  }

  void put(const std::string& name, std::uint64_t size_bytes, const Write& write) override {
    const std::lock_guard lock(mutex_);  // a tar has one member after the other
    if (names_.contains(name)) return;
    add_folders_of(name);
    TarSink sink(tar_);
    tar_.begin_file(name, size_bytes);
    write(sink);
    tar_.end_file();
    names_.insert(name);
  }

  std::optional<std::string> read_earlier(const std::string&, std::size_t) override { return std::nullopt; }

  void finish(const std::string&) override {
    tar_.finish();
    file_.commit();
  }

 private:
  /// skopeo, run by an ordinary user, cannot unpack an archive that does not list its folders.
  void add_folders_of(const std::string& name) {
    for (std::size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
      if (names_.insert(name.substr(0, slash)).second) tar_.add_folder(name.substr(0, slash));
  }

  OutputFile file_;
  TarWriter tar_;
  std::mutex mutex_;
  std::set<std::string> names_;
};

}  // namespace

std::unique_ptr<LayoutFiles> write_archive_files(const std::string& path) {
  return std::make_unique<ArchiveFiles>(path);
}

}  // namespace registry
