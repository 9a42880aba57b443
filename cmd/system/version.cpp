#include "cmd/version.hpp"

#include <memory>

#include "base/json_writer.hpp"
#include "base/oci/platform.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

std::string json_text() {
  const oci::Platform host = oci::host_platform();
  base::JsonWriter json{4};
  json.begin_object().key("Client").begin_object();
  json.member("Version", version()).member("BuildId", build_id());
  json.member("Os", host.os).member("OsArch", base::concat(host.os, '/', host.architecture));
  json.end_object().end_object();
  return json.take();
}

std::string people_text() {
  const oci::Platform host = oci::host_platform();
  return base::concat("Version:   ", version(), "\nBuild:     ", build_id(), "\nOS/Arch:   ", host.os, '/',
                      host.architecture);
}

}  // namespace

Action declare_version(OptionTable& table) {
  const auto format = std::make_shared<std::string>();
  declare_format_option(table, *format);
  return [format](Invocation&) {
    print_line(parse_format(*format) == Format::json ? json_text() : people_text());
    return 0;
  };
}

}  // namespace cmd
