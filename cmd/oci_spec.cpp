#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "cmd/oci_folder.hpp"
#include "cmd/oci_verbs.hpp"
#include "runtime/spec.hpp"

namespace cmd {

int oci_spec(const OciGlobals&, const OciWords& words) {
  const base::UniqueFd bundle = base::open_directory(AT_FDCWD, words.value_or("bundle", "."));
  const std::string name = words.value_or("config", config_file);
  const std::string text = runtime::write_spec_indented(runtime::example_spec(words.has("rootless"))) + "\n";
  if (!base::create_file_exclusively(bundle.get(), name, text, base::Durability::volatile_, 0666))
    throw base::make_error(base::ErrorKind::already_exists, base::quoted(name), " exists already")
        .with_hint("remove it first");
  return 0;
}

}  // namespace cmd
