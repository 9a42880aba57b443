#include "storage/refs.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "storage/damage.hpp"
#include "storage/layout.hpp"
#include "storage/small_files.hpp"

namespace storage {

namespace {

constexpr std::size_t max_ref_bytes = 8 * 1024;

struct Ref {
  base::Digest manifest;
  std::uint64_t generation = 0;
  std::string name;  ///< Only where the file's own name is a hash.
};

std::optional<base::Digest> try_parse_digest(std::string_view text) {
  try {
    return base::Digest::parse(text);
  } catch (const base::Error&) {  // the caller knows better what it was
    return std::nullopt;
  }
}

/// At the first blank, if there is one.
std::pair<std::string_view, std::string_view> cut(std::string_view text) {
  const auto both = base::split_once(text, ' ');
  return both ? *both : std::pair{text, std::string_view{}};
}

Ref parse_ref(std::string_view bytes, std::string_view path) {
  const auto fields = base::split_once(base::trim(bytes), ' ');
  const auto [number, name] = fields ? cut(fields->second) : std::pair<std::string_view, std::string_view>{};
  const auto generation = base::parse_unsigned(number);
  auto manifest = try_parse_digest(fields ? fields->first : std::string_view{});
  if (!manifest || !generation || name.find(' ') != std::string_view::npos) {
    throw base::Error{base::ErrorKind::corrupt, base::concat("the tag file ", base::quoted(path), " is damaged"),
                      "\"engine system check --repair\" removes it; pull the image again"};
  }
  return {std::move(*manifest), *generation, std::string{name}};
}

std::optional<Ref> try_read(int root, const std::string& path, SmallFiles& files) {
  const auto bytes = files.read(root, path, max_ref_bytes);
  if (!bytes) return std::nullopt;
  return parse_ref(*bytes, path);
}

std::optional<Ref> try_read(int root, const std::string& path) {
  SmallFiles files;
  return try_read(root, path, files);
}

std::uint64_t generation_of(const Store& store, const std::string& path) {
  try {
    const auto ref = try_read(store.root(), path);
    return ref ? ref->generation : 0;
  } catch (const base::Error& error) {  // about to be replaced by a sound one
    base::log(base::LogLevel::warn, error.message());
    return 0;
  }
}

/// With the name that the file stands for; nothing when it was removed meanwhile or is damaged.
std::optional<Ref> read_named(int folder, const std::string& file, SmallFiles& files) {
  try {
    auto ref = try_read(folder, file, files);
    if (ref && file.front() != '~') ref->name = layout::decode_name(file);
    return ref && !ref->name.empty() ? std::move(ref) : std::nullopt;
  } catch (const base::Error& error) {
    // One damaged tag must not hide the others; but of one that cannot be read it is not known that it names nothing,
    // and its image would be taken for one without names.
    if (!is_damage(error)) throw;
    base::log(base::LogLevel::warn, error.message());
    return std::nullopt;
  }
}

template <class IsWanted>
NamesByManifest names_below(int root, const IsWanted& is_wanted) {
  const base::UniqueFd folder = base::open_directory(root, "refs");
  const std::vector<std::string> names = names_in(folder.get(), ".");
  std::vector<std::optional<Ref>> refs(names.size());
  base::for_parts(names.size(), [&](std::size_t first, std::size_t last) {
    SmallFiles files;
    for (std::size_t i = first; i < last; ++i)
      if (names[i].front() != '.' && is_wanted(names[i])) refs[i] = read_named(folder.get(), names[i], files);
  });
  NamesByManifest result;
  for (std::optional<Ref>& ref : refs)
    if (ref) result[std::string{ref->manifest.hex()}].push_back(std::move(ref->name));
  for (auto& [manifest, found] : result) std::sort(found.begin(), found.end());
  return result;
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
  const std::string path = layout::ref(name);
  const auto ref = try_read(store.root_having(path), path);
  if (!ref) return std::nullopt;
  return ref->manifest;
}

std::optional<RefFile> read_ref_file(const Store& store, const std::string& file) {
  auto ref = try_read(store.root(), base::concat("refs/", file));
  if (!ref) return std::nullopt;
  std::string name = file.front() == '~' ? std::move(ref->name) : layout::decode_name(file);
  if (name.empty() || layout::encode_name(name) != file)
    throw base::make_error(base::ErrorKind::corrupt, "the tag file ", base::quoted(file), " stands for no name");
  return RefFile{std::move(name), std::move(ref->manifest)};
}

bool has_damaged_refs(const Store& store) {
  const std::vector<std::string> files = base::list_directory(store.root(), "refs");
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    try {
      if (file.front() != '.') read_ref_file(store, file);
      return false;
    } catch (const base::Error& error) {
      if (!is_damage(error)) throw;
      return true;
    }
  });
}

NamesByManifest refs_by_manifest(const Store& store) {
  return names_below(store.root(), [](const std::string&) { return true; });
}

NamesByManifest shared_refs_by_manifest(const Store& store, const SharedStore& shared) {
  return names_below(shared.root.get(),
                     [&](const std::string& file) { return !base::exists(store.root(), base::concat("refs/", file)); });
}

}  // namespace storage
