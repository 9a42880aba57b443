#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/check_parts.hpp"
#include "storage/secrets.hpp"

// Secrets: each has a record that can be read, and bytes.

namespace storage {

void check_secrets(StoreCheck& check) {
  for (const std::string& file : secret_files(check.store)) {
    const std::string path = base::concat(layout::secrets_folder, "/", file);
    try {
      read_secret_file(check.store, file);
    } catch (const base::Error& error) {
      if (!base::exists(check.store.root(), path)) continue;
      check.add(because_of(error, {.severity = Severity::damage,
                                   .kind = "secret-damaged",
                                   .object = file,
                                   .message = base::concat("secret ", file, " cannot be used: ", error.message()),
                                   .remedy = "engine secret create --replace, with its content",
                                   .cure = Cure::none,
                                   .path = path}));
    }
  }
}

}  // namespace storage
