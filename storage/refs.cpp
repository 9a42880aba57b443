#include "storage/refs.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace {

constexpr std::size_t max_ref_bytes = 8 * 1024;

struct Ref {
  base::Digest manifest;
  std::uint64_t generation = 0;
  std::string name;  ///< Only where the file's own name is a hash.
};

Ref parse_ref(std::string_view bytes, std::string_view path) {
  const std::vector<std::string_view> fields = base::split(base::trim(bytes), ' ');
  const auto generation = fields.size() < 2 ? std::nullopt : base::parse_unsigned(fields[1]);
  if (!generation || fields.size() > 3) {
    throw base::Error{base::ErrorKind::corrupt, base::concat("the tag file ", base::quoted(path), " is damaged"),
                      "remove that file of the store and pull the image again"};
  }
  return {base::Digest::parse(fields[0]), *generation, fields.size() == 3 ? std::string{fields[2]} : std::string{}};
}

std::optional<Ref> try_read(const Store& store, const std::string& path) {
  const auto bytes = base::try_read_file(store.root(), path, max_ref_bytes);
  if (!bytes) return std::nullopt;
  return parse_ref(*bytes, path);
}

std::uint64_t generation_of(const Store& store, const std::string& path) {
  try {
    const auto ref = try_read(store, path);
    return ref ? ref->generation : 0;
  } catch (const base::Error& error) {  // about to be replaced by a sound one
    base::log(base::LogLevel::warn, error.message());
    return 0;
  }
}

}  // namespace

void write_ref(const Store& store, const std::string& name, const base::Digest& manifest) {
  const std::string encoded = layout::encode_name(name);
  std::string text = base::concat(manifest, " ", generation_of(store, layout::ref(name)) + 1);
  if (encoded.front() == '~') text += base::concat(" ", name);
  text.push_back('\n');
  const base::UniqueFd refs = base::open_directory(store.root(), "refs");
  base::write_file_atomically(refs.get(), encoded, text);
}

std::optional<base::Digest> read_ref(const Store& store, const std::string& name) {
  const auto ref = try_read(store, layout::ref(name));
  if (!ref) return std::nullopt;
  return ref->manifest;
}

std::optional<RefFile> read_ref_file(const Store& store, const std::string& file) {
  auto ref = try_read(store, base::concat("refs/", file));
  if (!ref) return std::nullopt;
  std::string name = file.front() == '~' ? std::move(ref->name) : layout::decode_name(file);
  if (name.empty() || layout::encode_name(name) != file)
    throw base::make_error(base::ErrorKind::corrupt, "the tag file ", base::quoted(file), " stands for no name");
  return RefFile{std::move(name), std::move(ref->manifest)};
}

std::map<std::string, std::vector<std::string>, std::less<>> refs_by_manifest(const Store& store) {
  std::map<std::string, std::vector<std::string>, std::less<>> result;
  for (const std::string& file : base::list_directory(store.root(), "refs")) {
    if (file.front() == '.') continue;
    try {
      const auto ref = try_read(store, base::concat("refs/", file));
      if (!ref) continue;
      std::string name = file.front() == '~' ? ref->name : layout::decode_name(file);
      if (!name.empty()) result[std::string{ref->manifest.hex()}].push_back(std::move(name));
    } catch (const base::Error& error) {  // one damaged tag must not hide the others
      base::log(base::LogLevel::warn, error.message());
    }
  }
  for (auto& [manifest, names] : result) std::sort(names.begin(), names.end());
  return result;
}

}  // namespace storage
