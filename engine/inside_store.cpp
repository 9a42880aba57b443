#include "engine/inside_store.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/inside.hpp"
#include "storage/check_layer.hpp"
#include "storage/disk_usage.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"

namespace engine {
namespace {

constexpr std::size_t max_words = 1000;  // of one child's command line

// Messages of the child, fields one a line:
//   layer CHAIN VARIANT                    about to be looked at
//   damaged CHAIN VARIANT COUNT TEXT…
//   usage BYTES PATH

std::vector<std::string> fields_of(std::string_view message) {
  std::vector<std::string> fields;
  for (const std::string_view field : base::split(message, '\n')) fields.emplace_back(field);
  return fields;
}

std::string message_of(const std::vector<std::string>& fields) {
  return base::join(fields, "\n");
}

storage::LayerOwners owners_of(Engine& engine, const std::string& variant) {
  if (variant != engine.variant()) return storage::LayerOwners::unknown;
  return engine.host.id_map.single ? storage::LayerOwners::single : storage::LayerOwners::mapped;
}

void compare_and_tell(Engine& engine, const base::Digest& chain, const std::string& variant, const Tell& tell) {
  const int root = engine.store().root();
  const auto diff = base::try_open_directory(root, storage::layout::layer_diff(chain, variant));
  const auto owners = base::try_open_file(root, base::concat(storage::layout::layer(chain), "/owners"));
  if (!diff || !owners) return;  // the check of records tells of that
  tell(message_of({"layer", chain.text(), variant}));
  try {
    const storage::LayerDifferences found =
        storage::compare_layer(diff->get(), owners->get(), owners_of(engine, variant));
    if (found.count == 0) return;
    std::vector<std::string> fields{"damaged", chain.text(), variant, base::concat(found.count)};
    fields.insert(fields.end(), found.first.begin(), found.first.end());
    tell(message_of(fields));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;  // corrupt: the manifest, of which the other check tells
  }
}

}  // namespace

std::vector<DamagedLayer> find_damaged_layers(Engine& engine) {
  std::vector<DamagedLayer> damaged;
  std::string item;
  const auto end_item = [&] {
    if (!item.empty()) engine.progress.end(item, "checked");
  };
  run_inside(engine, {"check-layers"}, [&](std::string_view message) {
    const std::vector<std::string> fields = fields_of(message);
    if (fields.at(0) == "layer") {
      end_item();
      item = base::concat("layer ", base::Digest::parse(fields.at(1)).short_hex());
      engine.progress.begin(item, 0);
      return;
    }
    damaged.push_back({.chain = fields.at(1),
                       .variant = fields.at(2),
                       .differences = base::parse_unsigned(fields.at(3)).value_or(0),
                       .first = {fields.begin() + 4, fields.end()}});
  });
  end_item();
  return damaged;
}

std::map<std::string, std::uint64_t> measure_inside(Engine& engine, const std::vector<std::string>& words) {
  std::map<std::string, std::uint64_t> usage;
  for (std::size_t start = 0; start < words.size(); start += max_words) {
    std::vector<std::string> command{"measure"};
    const std::size_t end = std::min(words.size(), start + max_words);
    std::copy(words.begin() + static_cast<std::ptrdiff_t>(start), words.begin() + static_cast<std::ptrdiff_t>(end),
              std::back_inserter(command));
    run_inside(engine, command, [&](std::string_view message) {
      const std::vector<std::string> fields = fields_of(message);
      usage[fields.at(2)] = base::parse_unsigned(fields.at(1)).value_or(0);
    });
  }
  return usage;
}

void check_layers_inside(Engine& engine, const Tell& tell) {
  const int root = engine.store().root();
  for (const std::string& name : base::list_directory(root, "layers")) {
    if (!storage::layout::is_hex_digest(name)) continue;
    const base::Digest chain = base::Digest::from_hex(name);
    for (const std::string& variant : base::list_directory(root, storage::layout::layer(chain)))
      if (variant != "meta" && variant != "owners" && variant.front() != '.')
        compare_and_tell(engine, chain, variant, tell);
  }
}

void measure_for_parent(Engine& engine, const std::vector<std::string>& words, const Tell& tell) {
  const auto measure_one = [&](const std::string& path) {
    tell(message_of({"usage", base::concat(storage::measure(engine.store(), path)), path}));
  };
  for (const std::string& word : words) {
    constexpr std::string_view all = "/*";
    if (!word.ends_with(all)) {
      measure_one(word);
      continue;
    }
    const std::string folder = word.substr(0, word.size() - all.size());
    if (!base::exists(engine.store().root(), folder)) continue;  // partial/ is made when it is first needed
    for (const std::string& name : base::list_directory(engine.store().root(), folder))
      measure_one(base::concat(folder, "/", name));
  }
}

}  // namespace engine
