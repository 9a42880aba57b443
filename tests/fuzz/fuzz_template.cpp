#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engine/templates/template.hpp"

// Any bytes are a template: parsing ends with one or with an Error, and executing it ends within its limits.

namespace {

using namespace engine::templates;

constexpr const char* shapes = R"(
Inner
  Name string
  Deep *Inner
Data
  Inner embedded
  ID string Id
  Count int
  Small uint16
  Share float64
  When time.Time
  Long time.Duration
  List []string
  Map map[string]string
  Ports map[string][]Inner
  Any any
  Label map[string]string method
)";

constexpr const char* document = R"json({"Name":"n","Deep":{"Name":"d"},"Id":"0123","Count":-3,"Small":65,"Share":2.5,
"When":"2026-11-22T16:18:15.25Z","Long":90500000000,"List":["a","b c",""],"Map":{"z":"1","a":"2"},
"Ports":{"80/tcp":[{"Name":"0.0.0.0"}],"53/udp":null},"Any":{"x":1,"y":[true,null,"s",1e21]},
"Label()":{"a":"1"}})json";

const Value& data() {
  static Types types;
  static const Value value = [] {
    types.declare(shapes);
    return value_of_json(types.find("[]*Data"), base::JsonAt::parse(std::string{"["} + document + "]", "data"));
  }();
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string output;
  try {
    Template::parse("fuzz", {reinterpret_cast<const char*>(bytes), size}).execute(data(), output);
  } catch (const base::Error&) {  // as it should be
  }
  return 0;
}
