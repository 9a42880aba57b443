#include "cmd/version.hpp"

#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/oci/platform.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"

namespace cmd {
namespace {

std::string client_json() {
  const oci::Platform host = oci::host_platform();
  base::JsonWriter json;
  json.begin_object().member("APIVersion", version()).member("Version", version()).member("GoVersion", "");
  json.member("GitCommit", build_id()).member("BuiltTime", "Thu Jan  1 00:00:00 1970").member("Built", 0);
  json.member("OsArch", base::concat(host.os, '/', host.architecture)).member("Os", host.os);
  return json.member("BuildId", build_id()).end_object().take();
}

/// There is no server. What scripts ask of one, or of neither, is asked of the client then, as with podman.
void print_template(std::string format) {
  try {
    Report("version", version_shapes, "*entities.SystemVersionReport", base::concat("{\"Client\":", client_json(), '}'))
        .print_object(format);
  } catch (const base::Error&) {
    constexpr std::string_view server = ".Server.";
    for (std::size_t at = format.find(server); at != std::string::npos; at = format.find(server, at + 1))
      format.replace(at, server.size(), ".");
    Report("version", version_shapes, "*define.Version", client_json()).print_object(format);
  }
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
    const Form form = form_of(*format);
    if (form == Form::own) {
      print_line(people_text());
    } else if (form == Form::json) {
      print_line(indented_json(base::concat("{\"Client\":", client_json(), '}'), 2));
    } else {
      print_template(*format);
    }
    return 0;
  };
}

}  // namespace cmd
