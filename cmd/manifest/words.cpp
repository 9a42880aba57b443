#include "cmd/manifest/words.hpp"

namespace cmd {

void declare_instance_options(OptionTable& table, engine::InstanceWords& words) {
  table.list("annotation", 0, "KEY=VALUE", words.annotations, "Add an annotation to the entry");
  table.text("arch", 0, "ARCH", words.architecture, "Architecture that the entry names");
  table.comma_list("features", 0, "FEATURE", words.features, "Features of the processor that the entry names");
  table.text("os", 0, "OS", words.os, "Operating system that the entry names");
  table.comma_list("os-features", 0, "FEATURE", words.os_features,
                   "Features of the operating system that the entry names");
  table.text("os-version", 0, "VERSION", words.os_version, "Version of the operating system that the entry names");
  table.text("variant", 0, "VARIANT", words.variant, "Variant of the architecture that the entry names");
}

}  // namespace cmd
