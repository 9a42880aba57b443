#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/templates/encode_json.hpp"
#include "engine/templates/print.hpp"
#include "engine/templates/template.hpp"

using namespace engine::templates;

namespace {

constexpr const char* shapes = R"(
main.Inner
  Name string
  Count int
  Deep *main.Inner Deep,omitempty
main.Base
  BaseField string
  Shared string
main.Data
  main.Base embedded
  ID string Id
  Text string
  Empty string
  Yes bool
  No bool
  Int int
  Neg int64
  Small uint16
  Float float64
  Big float64
  List []string
  None []string
  Void []string
  Map map[string]string
  NoMap map[string]string
  Ports map[string][]main.Inner
  Struct main.Inner
  Pointer *main.Inner
  Nil *main.Inner
  Any any
  AnyNil any
  Raw map[string]any
  Inners []main.Inner
  Ptrs []*main.Inner
  When time.Time
  Zero time.Time
  Long time.Duration
  Names map[string]struct{}
  Numbers map[uint16]string
)";

struct Outcome {
  std::string output, error;
};

Outcome run(const Value& data, const std::string& text) {
  Outcome outcome;
  try {
    Template::parse("ps", text).execute(data, outcome.output);
  } catch (const base::Error& error) {
    outcome.error = error.message();
  }
  return outcome;
}

/// A list of one text, for what needs some data.
Value some_data() {
  return make_texts({"abc"});
}

}  // namespace

TEST_CASE("templates say what Go's text/template says of the same data, and fail with the same words") {
  const std::string golden = base::try_read_host_file(GOLDEN_TEMPLATES, 1024 * 1024).value_or("");
  const auto document = base::JsonAt::parse(golden, "golden.json");
  Types types;
  types.declare(shapes);
  const Value data = value_of_json(types.find("*main.Data"), document.at("data"));
  std::size_t count = 0;
  for (const base::JsonAt& entry : document.at("cases").array()) {
    const std::vector<base::JsonAt> parts = entry.array();
    CAPTURE(parts[0].string());
    const Outcome outcome = run(data, parts[0].string());
    CHECK(outcome.output == parts[1].string());
    CHECK(outcome.error == parts[2].string());
    ++count;
  }
  CHECK(count > 200);
}

TEST_CASE("a template ends, however much it asks for") {
  const Value data = some_data();
  SUBCASE("templates that call each other") {
    CHECK(run(data, R"({{define "t"}}{{template "t"}}{{end}}{{template "t"}})").error.find("maximum template depth") !=
          std::string::npos);
  }
  SUBCASE("texts that double") {
    std::string text = "{{$x := printf \"%1000d\" 1}}";
    for (int turn = 0; turn < 40; ++turn) text += "{{$x = print $x $x}}";
    CHECK(run(data, text).error.find("MiB of text") != std::string::npos);
  }
  SUBCASE("loops in loops") {
    std::string text = "{{$l := split (printf \"%1000d\" 1) \"\"}}";
    for (int level = 0; level < 6; ++level) text += "{{range $l}}";
    for (int level = 0; level < 6; ++level) text += "{{end}}";
    CHECK(run(data, text).error.find("steps") != std::string::npos);
  }
  SUBCASE("blocks in blocks of templates that call each other") {
    std::string text = R"({{define "t"}})";
    for (int level = 0; level < 100; ++level) text += "{{if true}}";
    text += R"({{template "t"}})";
    for (int level = 0; level < 100; ++level) text += "{{end}}";
    CHECK(run(data, text + R"({{end}}{{template "t"}})").error.find("nested deeper") != std::string::npos);
  }
  SUBCASE("parentheses") {
    const std::string text = "{{" + std::string(400, '(') + "1" + std::string(400, ')') + "}}";
    CHECK(run(data, text).error.find("nested deeper than 300 levels") != std::string::npos);
    CHECK(run(data, "{{" + std::string(200, '(') + "1" + std::string(200, ')') + "}}").output == "1");
  }
}

TEST_CASE("a field that Go has not is found by its JSON name, and in other letters") {
  Types types;
  types.declare("T\n  ID string Id\n  HostIP string HostIp\n");
  const auto json = base::JsonAt::parse(R"({"Id":"x","HostIp":"1.2.3.4"})", "test");
  const Value data = value_of_json(types.find("*T"), json);
  CHECK(run(data, "{{.ID}} {{.Id}} {{.id}} {{.HostIp}}").output == "x x x 1.2.3.4");
  CHECK(run(data, "{{.Nope}}").error ==
        "template: ps:1:2: executing \"ps\" at <.Nope>: can't evaluate field Nope in type *T");
}

TEST_CASE("methods are asked before fields, and are no part of the value") {
  Types types;
  types.declare(
      "L\n  ID string\n  Labels map[string]string\nR\n  L embedded\n  ID string method\n"
      "  Label map[string]string method\n");
  const auto json =
      base::JsonAt::parse(R"json({"ID":"long","Labels":{"a":"1"},"ID()":"short","Label()":{"a":"1"}})json", "test");
  const Value data = value_of_json(types.find("R"), json);
  CHECK(run(data, "{{.ID}} {{.L.ID}} {{.Label \"a\"}}{{.Label \"b\"}}").output == "short long 1");
  CHECK(run(data, "{{.}}").output == "{{long map[a:1]}}");
  CHECK(run(data, "{{json .}}").output == R"({"ID":"long","Labels":{"a":"1"}})");
  CHECK(run(data, "{{.Label}}").error.find("wrong number of args for Label: want 1 got 0") != std::string::npos);
}
