#include "storage/json_record.hpp"

namespace storage {

base::JsonWriter begin_record() {
  base::JsonWriter json;
  json.begin_object();
  json.member("version", record_version);
  return json;
}

base::JsonAt parse_record(std::string_view bytes, std::string what) {
  base::JsonAt json = base::JsonAt::parse(bytes, what, {.max_bytes = max_record_bytes});
  const std::int64_t version = json.at("version").integer();
  if (version != record_version) {
    throw base::Error{base::ErrorKind::unsupported,
                      base::concat(what, " has version ", version, ", not ", record_version),
                      "a newer engine wrote it; use that one"};
  }
  return json;
}

}  // namespace storage
