#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/table.hpp"
#include "cmd/transfer_verbs.hpp"
#include "engine/image_trust.hpp"

namespace cmd {
namespace {

struct ShowWords {
  engine::TrustFiles files;
  bool json = false, raw = false, no_heading = false;
  std::vector<std::string> registries;
};

void declare_files(OptionTable& table, engine::TrustFiles& files) {
  table.text("policypath", 0, "FILE", files.policy, "Another policy.json").offers(Completes::files).hide();
  table.text("registrypath", 0, "DIRECTORY", files.registries, "Another registries.d")
      .offers(Completes::directories)
      .hide();
}

/// As podman writes it: what is empty is left out.
std::string trust_json(const std::vector<engine::TrustEntry>& entries) {
  base::JsonWriter json{4};
  json.begin_array();
  for (const engine::TrustEntry& entry : entries) {
    json.begin_object().member("transport", entry.transport);
    const auto add = [&](std::string_view key, const std::string& value) {
      if (!value.empty()) json.member(key, value);
    };
    add("name", entry.name == "default" ? "* (default)" : entry.name);
    add("repo_name", entry.name);
    add("sigstore", entry.store);
    add("type", entry.type);
    add("gpg_id", entry.keys);
    json.end_object();
  }
  return json.end_array().take();
}

void print_trust(Invocation& invocation, const ShowWords& words) {
  const TransferVerbs& verbs = *invocation.program.transfer;
  if (words.raw) return print(verbs.raw_trust(invocation.engine(), words.files));
  const std::vector<engine::TrustEntry> entries = verbs.show_trust(invocation.engine(), words.files);
  if (words.json) return print_line(trust_json(entries));
  Table table({"TRANSPORT", "NAME", "TYPE", "ID", "STORE"});
  for (const engine::TrustEntry& entry : entries)
    table.add_row({entry.transport, entry.name, entry.type, entry.keys, entry.store});
  print(table.text(!words.no_heading));
}

}  // namespace

Action declare_image_trust_show(OptionTable& table) {
  const auto words = std::make_shared<ShowWords>();
  table.flag("json", 'j', words->json, "Write JSON for scripts");
  table.flag("noheading", 'n', words->no_heading, "Print no headings");
  table.flag("raw", 0, words->raw, "Print policy.json as it is");
  declare_files(table, words->files);
  table.words("REGISTRY", words->registries, 0, "Accepted as podman does, which shows all");
  return [words](Invocation& invocation) {
    print_trust(invocation, *words);
    return 0;
  };
}

Action declare_image_trust_set(OptionTable& table) {
  const auto options = std::make_shared<engine::SetTrustOptions>();
  options->type = "signedBy";
  table
      .comma_list("pubkeysfile", 'f', "FILE", options->key_files,
                  "A public key that must have signed; each one of several")
      .offers(Completes::files);
  table.text("type", 't', "TYPE", options->type, "What is asked for").choices("accept|reject|signedBy|sigstoreSigned");
  declare_files(table, options->files);
  table.word("REGISTRY", options->scope, "A registry, repository or image; or \"default\"");
  return [options](Invocation& invocation) {
    invocation.program.transfer->set_trust(invocation.engine(), *options);
    return 0;
  };
}

}  // namespace cmd
