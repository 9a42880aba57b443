#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/intel_rdt.hpp"
#include "tests/unit/runtime/spec_document.hpp"

// The machines that tests run on have no Intel RDT. What is tested is what can be: values, which folder is meant, and
// what is written to files of the names that resctrl has. That the kernel takes it is not.

namespace {

/// A folder like a group of resctrl, which the kernel would fill with these files by itself.
void make_group(int root, const std::string& name, std::string_view schemata) {
  const base::UniqueFd folder = base::make_directory(root, name);
  base::write_file_atomically(folder.get(), "schemata", schemata);
  base::write_file_atomically(folder.get(), "tasks", "");
}

std::string text_of(const base::TempDir& root, const std::string& file) {
  return base::read_file(root.fd(), file, 4096);
}

std::string problem_of_making(const runtime::IntelRdt& rdt, const base::TempDir& root) {
  try {
    runtime::make_rdt_group(rdt, runtime::plan_rdt_group(rdt, "one", root.path()), root.path());
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

bool is_folder(const base::TempDir& root, const std::string& name) {
  return base::exists(root.fd(), name);
}

}  // namespace

TEST_CASE("invalid values of linux.intelRdt are refused in one line") {
  const auto rdt = [](std::string_view text) { return linux_part(base::concat(R"("intelRdt":)", text)); };
  check_all_refused({
      {rdt("[]"), "linux.intelRdt"},
      {rdt(R"({"closID":5})"), "closID"},
      {rdt(R"({"closID":""})"), "closID"},
      {rdt(R"({"closID":".."})"), "closID"},
      {rdt(R"({"closID":"a/b"})"), "closID"},
      {rdt(R"({"closID":"/etc"})"), "closID"},
      {rdt(R"({"closID":"a\nb"})"), "closID"},
      {rdt(R"({"closID":"info"})"), "closID"},
      {rdt(R"({"closID":"mon_groups"})"), "closID"},
      {rdt(base::concat(R"({"closID":")", std::string(256, 'x'), R"("})")), "closID"},
      {rdt(R"({"l3CacheSchema":"L3:0=f\nMB:0=20"})"), "l3CacheSchema"},
      {rdt(R"({"l3CacheSchema":"MB:0=20"})"), "another resource"},
      {rdt(R"({"l3CacheSchema":"L3:"})"), "l3CacheSchema"},
      {rdt(R"({"l3CacheSchema":"L3:0"})"), "l3CacheSchema"},
      {rdt(R"({"memBwSchema":"L3:0=f"})"), "another resource"},
      {rdt(R"({"memBwSchema":"MB:x=20"})"), "memBwSchema"},
      {rdt(R"({"schemata":"L3:0=f"})"), "schemata"},
      {rdt(R"({"schemata":["L3:0=f","L2:0=\n"]})"), "schemata[1]"},
      {rdt(R"({"enableMonitoring":"yes"})"), "enableMonitoring"},
  });
}

TEST_CASE("valid values of linux.intelRdt are read, and written as they were") {
  const auto spec = runtime::parse_spec(
      linux_part(R"("intelRdt":{"closID":"gold","l3CacheSchema":"L3:0=7f0;1=1f","memBwSchema":"MB:0=20",)"
                 R"("schemata":["L2:0=f","L3CODE:1=3"],"enableMonitoring":true})"),
      "config");
  const auto again = runtime::parse_spec(runtime::write_spec(spec), "written");
  REQUIRE(again.linux.intel_rdt.has_value());
  CHECK(again.linux.intel_rdt->class_id == "gold");
  CHECK(again.linux.intel_rdt->l3_cache_schema == "L3:0=7f0;1=1f");
  CHECK(again.linux.intel_rdt->memory_bandwidth_schema == "MB:0=20");
  CHECK(again.linux.intel_rdt->schemata == std::vector<std::string>{"L2:0=f", "L3CODE:1=3"});
  CHECK(again.linux.intel_rdt->enable_monitoring);
  const auto older = runtime::parse_spec(linux_part(R"("intelRdt":{"closID":"/","enableMBM":true})"), "config");
  CHECK(older.linux.intel_rdt->enable_monitoring);
}

TEST_CASE("resctrl is found in mountinfo wherever it is mounted") {
  const std::string line = "30 24 0:26 / /sys/fs/resctrl rw,relatime shared:9 - resctrl resctrl rw\n";
  CHECK(runtime::find_resctrl("20 24 0:22 / /sys rw - sysfs sysfs rw\n" + line) == "/sys/fs/resctrl");
  CHECK_FALSE(runtime::find_resctrl("20 24 0:22 / /resctrl rw - tmpfs resctrl rw\n").has_value());
}

TEST_CASE("schemata differ by their values, not by how they are written") {
  const std::string present = "    MB:0=100;1= 90\n    L3:0=07F;1=1f\n";
  CHECK(runtime::first_difference({"L3:1=1F;0=7f"}, present).empty());
  CHECK(runtime::first_difference({"L3:0=7f;1=3"}, present) == "L3:1=3");
  CHECK(runtime::first_difference({"L2:0=1"}, present) == "L2:0=1");
}

TEST_CASE("without closID the group is the container's own and goes with it") {
  const base::TempDir root;
  const runtime::IntelRdt rdt{.enable_monitoring = false};
  const runtime::RdtRecord record = runtime::plan_rdt_group(rdt, "one", root.path());
  CHECK_FALSE(is_folder(root, "one"));
  runtime::make_rdt_group(rdt, record, root.path());
  CHECK(is_folder(root, "one"));
  runtime::remove_rdt_group(record);
  CHECK_FALSE(is_folder(root, "one"));
  runtime::remove_rdt_group(record);  // absence is fine
}

TEST_CASE("a group of the container's id that is somebody else's is neither used nor removed") {
  const base::TempDir root;
  make_group(root.fd(), "one", "");
  CHECK(problem_of_making({}, root).find("somebody else's") != std::string::npos);
  CHECK(is_folder(root, "one"));
}

TEST_CASE("a closID without a schema must be there already, and stays") {
  const base::TempDir root;
  const runtime::IntelRdt rdt{.class_id = "gold"};
  CHECK(problem_of_making(rdt, root).find("there is no resctrl group") != std::string::npos);
  make_group(root.fd(), "gold", "L3:0=f\n");
  const runtime::RdtRecord record = runtime::plan_rdt_group(rdt, "one", root.path());
  runtime::make_rdt_group(rdt, record, root.path());
  runtime::add_to_rdt_group(record, 4711);
  CHECK(text_of(root, "gold/tasks") == "4711\n");
  CHECK(text_of(root, "gold/schemata") == "L3:0=f\n");
  runtime::remove_rdt_group(record);
  CHECK(is_folder(root, "gold"));
}

TEST_CASE("the schemata of a closID that exists are compared, and those of the root are never written") {
  const base::TempDir root;
  make_group(root.fd(), "gold", "L3:0=f;1=f\nMB:0=50\n");
  base::write_file_atomically(root.fd(), "schemata", "L3:0=ff\n");
  CHECK(problem_of_making({.class_id = "gold", .l3_cache_schema = "L3:0=f", .schemata = {"MB:0=50"}}, root).empty());
  const std::string problem = problem_of_making({.class_id = "gold", .memory_bandwidth_schema = "MB:0=20"}, root);
  CHECK(problem.find("has not \"MB:0=20\"") != std::string::npos);
  CHECK(problem_of_making({.class_id = "/", .l3_cache_schema = "L3:0=f"}, root).find("has not") != std::string::npos);
  CHECK(text_of(root, "schemata") == "L3:0=ff\n");
  CHECK(text_of(root, "gold/schemata") == "L3:0=f;1=f\nMB:0=50\n");
}

TEST_CASE("a group whose schemata are refused is taken back, with the kernel's own words") {
  const base::TempDir root;  // without the kernel, a new folder has no file to be written
  const base::UniqueFd info = base::make_directory(root.fd(), "info");
  base::write_file_atomically(info.get(), "last_cmd_status", "Mask out of range\n");
  const std::string problem = problem_of_making({.l3_cache_schema = "L3:0=f"}, root);
  CHECK(problem.find("\"L3:0=f\"") != std::string::npos);
  CHECK(problem.find("(Mask out of range)") != std::string::npos);
  CHECK(problem.find('\n') == std::string::npos);
  CHECK_FALSE(is_folder(root, "one"));
}

TEST_CASE("lines are written in the order of the specification, in one write") {
  const base::TempDir root;
  make_group(root.fd(), "gold", "");
  const runtime::RdtRecord record{.group = root.path() + "/gold", .is_ours = false, .monitor_group = ""};
  runtime::set_rdt_schemata(record, {"L3:0=3", "MB:0=10"});
  CHECK(text_of(root, "gold/schemata") == "L3:0=3\nMB:0=10\n");
  CHECK_THROWS_AS(runtime::set_rdt_schemata(record, {"nonsense"}), base::Error);
  CHECK_THROWS_AS(runtime::set_rdt_schemata({}, {"L3:0=3"}), base::Error);
}

TEST_CASE("a monitoring group is below the class, is joined after it, and goes with the container") {
  const base::TempDir root;
  make_group(root.fd(), "gold", "");
  base::make_directories(root.fd(), "gold/mon_groups");
  const runtime::IntelRdt rdt{.class_id = "gold", .enable_monitoring = true};
  const runtime::RdtRecord record = runtime::plan_rdt_group(rdt, "one", root.path());
  runtime::make_rdt_group(rdt, record, root.path());
  REQUIRE(is_folder(root, "gold/mon_groups/one"));
  const base::UniqueFd folder = base::open_directory(root.fd(), "gold/mon_groups/one");
  base::write_file_atomically(folder.get(), "tasks", "");
  runtime::add_to_rdt_group(record, 4711);
  CHECK(text_of(root, "gold/tasks") == "4711\n");
  CHECK(text_of(root, "gold/mon_groups/one/tasks") == "4711\n");
  base::unlink_file(folder.get(), "tasks");
  runtime::remove_rdt_group(record);
  CHECK_FALSE(is_folder(root, "gold/mon_groups/one"));
  CHECK(is_folder(root, "gold"));
}
