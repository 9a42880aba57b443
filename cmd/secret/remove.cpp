#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/secrets.hpp"

namespace cmd {
namespace {

struct RemoveWords {
  std::vector<std::string> names;
  bool all = false;
  bool ignore = false;
};

std::vector<std::string> chosen(Invocation& invocation, const RemoveWords& words) {
  if (words.all == !words.names.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(invocation.command_path),
                           words.all ? " takes either names or --all" : " needs at least one SECRET, or --all")
        .with_hint(base::concat("see ", invocation.command_path, " --help"));
  if (!words.all) return words.names;
  std::vector<std::string> ids;
  for (const auto& secret : engine::secrets(invocation.engine(), {})) ids.push_back(secret.id);
  return ids;
}

}  // namespace

Action declare_secret_rm(OptionTable& table) {
  const auto words = std::make_shared<RemoveWords>();
  table.flag("all", 'a', words->all, "Remove every secret");
  table.flag("ignore", 'i', words->ignore, "A missing secret is no error");
  table.words("SECRET", words->names, 0, "Names, ids, or the beginning of an id");
  return [words](Invocation& invocation) {
    return for_each_name(chosen(invocation, *words), [&](const std::string& name) {
      try {
        print_line(engine::remove_secret(invocation.engine(), name));
      } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::not_found || (!words->ignore && !words->all)) throw;
      }
    });
  };
}

Action declare_secret_exists(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.word("SECRET", *name, "Its name or id");
  return [name](Invocation& invocation) { return engine::secret_exists(invocation.engine(), *name) ? 0 : 1; };
}

}  // namespace cmd
