#pragma once

#include <string>

#include "base/stream.hpp"
#include "storage/pack_tar.hpp"
#include "storage/tree_stream.hpp"

namespace engine {

/// Entries of cp as a tar; what is copied is called `name` in it, or with an empty name is its root, without an entry.
class CopyTarSink final : public storage::EntrySink {
 public:
  CopyTarSink(base::Sink& sink, std::string name) : writer_(sink), name_(std::move(name)) {}
  void put(const storage::StreamedEntry& entry, int content) override;
  void finish() { writer_.finish(); }

 private:
  std::string path_of(const std::string& path) const;
  void write_content(int content);
  storage::tar::Writer writer_;
  std::string name_;
};

}  // namespace engine
