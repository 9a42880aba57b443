#include "cmd/oci_log.hpp"

#include <cstring>
#include <fcntl.h>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/json_writer.hpp"

namespace cmd {
namespace {

struct LogFile {
  base::UniqueFd fd;
  OciLogFormat format = OciLogFormat::text;
};

LogFile& log_file() {
  static LogFile file;  // a sink has no other place for what it needs
  return file;
}

std::string line_of(OciLogFormat format, base::LogLevel level, std::string_view text) {
  const std::string time = base::format_rfc3339(base::now());
  if (format == OciLogFormat::text)
    return base::concat("time=\"", time, "\" level=", base::name_of(level), " msg=\"", text, "\"\n");
  base::JsonWriter json;
  json.begin_object().member("level", base::name_of(level)).member("msg", text).member("time", time).end_object();
  return json.text() + "\n";
}

void append(base::LogLevel level, std::string_view text) noexcept {
  try {
    base::write_all(log_file().fd.get(), line_of(log_file().format, level, text));
  } catch (...) {  // a full disk under the log: what is being done matters more
  }
}

}  // namespace

void open_oci_log(const std::string& path, OciLogFormat format) {
  base::UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644)};
  if (!fd) {
    const base::Error error = base::os_error("opening log file ", base::quoted(path));
    base::log(base::LogLevel::warn, error.what());
    return;
  }
  log_file() = {std::move(fd), format};
  base::set_log_sink(append);
}

base::Error for_callers(const base::Error& error) {
  if (error.code() == 0) return error;
  const std::string reason = std::strerror(error.code());
  if (error.message().ends_with(reason)) return error;
  return base::Error{error.kind(), base::concat(error.message(), ": ", reason), error.hint()}.with_code(error.code());
}

void log_oci_error(const base::Error& error) noexcept {
  if (log_file().fd) append(base::LogLevel::error, error.message());
}

}  // namespace cmd
