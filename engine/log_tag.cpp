#include "engine/log_tag.hpp"

#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "engine/templates/template.hpp"

namespace engine {

std::string log_tag(const std::string& tag, const storage::ContainerRecord& record) {
  if (tag.find("{{") == std::string::npos) return tag;
  base::JsonWriter json;
  json.begin_object().member("Id", record.id).member("Name", record.name);
  json.member("Image", record.image_id).member("ImageID", record.image_id);
  json.member("ImageName", record.image_name).member("Created", record.created).end_object();
  templates::Types types;
  types.declare(
      "define.InspectContainerData\n"
      "  ID string Id\n"
      "  Name string\n"
      "  Image string\n"
      "  ImageID string\n"
      "  ImageName string\n"
      "  Created string\n");
  const templates::Value data = templates::value_of_json(types.find("define.InspectContainerData"),
                                                         base::JsonAt::parse(json.text(), "container"));
  std::string text;
  templates::Template::parse("container", tag).execute(data, text);
  return text;
}

}  // namespace engine
