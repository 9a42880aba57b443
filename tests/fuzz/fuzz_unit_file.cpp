#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "engine/quadlet.hpp"
#include "engine/unit_words.hpp"

// Any bytes are a unit file: reading ends with one or with an Error; what is written is read again as the same; and
// each kind of Quadlet file becomes a service or an Error.

namespace {

using namespace engine;

void check_text(const UnitFile& file) {
  const std::string text = file.text();
  if (text.size() <= max_unit_bytes && UnitFile::parse(text, "again").text() != text) std::abort();
}

void check_words(const UnitFile& file) {
  for (const UnitSection& section : file.sections())
    for (const UnitLine& line : section.lines) {
      try {
        const auto words = split_unit_words(line.value);
        if (split_unit_words(join_unit_words(words), UnknownEscape::refused) != words) std::abort();
      } catch (const base::Error&) {
        continue;
      }
    }
}

void make_services_of(const UnitFile& file) {
  QuadletUnits units;
  for (const QuadletFormat& format : quadlet_formats())
    for (const char* base_name : {"a", "b-c", "d@", "d@e"}) {
      const std::string name = std::string{base_name} + std::string{format.extension};
      units.emplace(name, QuadletUnit{&format, name, "/q/" + name, file});
    }
  for (const auto& [name, unit] : units) {
    try {
      const QuadletService service =
          make_service(unit, units, {"/engine", true, [](const std::string&) { return false; }});
      for (const auto& [link, target] : service.links)
        if (link.find("..") == 0 || link.starts_with('/')) std::abort();
      check_text(service.file);
    } catch (const base::Error&) {
      continue;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const UnitFile file = UnitFile::parse({reinterpret_cast<const char*>(data), size}, "file");
    check_text(file);
    check_words(file);
    make_services_of(file);
  } catch (const base::Error&) {
    return 0;
  }
  return 0;
}
