#include <algorithm>

#include "base/json_writer.hpp"
#include "cmd/oci_state.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"
#include "engine/oci_id_maps.hpp"

// state and list.

namespace cmd {
namespace {

using Row = std::vector<std::string>;

void print_rows(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + (i + 1 == row.size() ? "" : std::string(widths[i] - row[i].size() + 2, ' '));
    print_line(line);
  }
}

void print_table(const std::vector<OciContainer>& containers) {
  std::vector<Row> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const OciContainer& container : containers) {
    const std::string status = status_of(container);
    const OciState& state = container.state;
    rows.push_back({state.id, base::concat(status == "stopped" ? 0 : state.process.pid), status, state.bundle,
                    state.created, engine::oci_user_name(state.owner)});
  }
  print_rows(rows);
}

void print_json(const std::vector<OciContainer>& containers) {
  base::JsonWriter json;
  json.begin_array();
  for (const OciContainer& container : containers) json.raw(oci_state_json(container, 0));
  json.end_array();
  print_line(json.text());
}

}  // namespace

int oci_state(const OciGlobals& globals, const OciWords& words) {
  print_line(oci_state_json(find_oci_container(globals.root, words.words.front()), 2));
  return 0;
}

int oci_list(const OciGlobals& globals, const OciWords& words) {
  const std::vector<OciContainer> containers = list_oci_containers(globals.root);
  if (words.has("quiet")) {
    for (const OciContainer& container : containers) print_line(container.state.id);
  } else if (words.value_or("format", "table") == "json") {
    print_json(containers);
  } else {
    print_table(containers);
  }
  return 0;
}

}  // namespace cmd
