#include "engine/image_for_run.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process.hpp"
#include "engine/image_settings.hpp"
#include "engine/inside.hpp"
#include "engine/manifest_list_store.hpp"
#include "storage/layers.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_pull_output_bytes = 4096;

bool is_other_transport(const std::string& image) {
  for (const char* transport : {"oci:", "oci-archive:", "docker-archive:", "dir:", "docker://"})
    if (image.starts_with(transport)) return true;
  return false;
}

std::vector<std::string> pull_words(const Engine& engine, const RunOptions& options, const std::string& policy) {
  std::vector<std::string> words{"engine"};
  for (std::string& word : same_build_options(engine)) words.push_back(std::move(word));
  words.emplace_back("pull");
  words.push_back("--policy=" + policy);
  if (options.quiet) words.emplace_back("--quiet");
  if (!options.platform.empty()) words.push_back("--platform=" + options.platform);
  if (options.tls_verify) words.emplace_back(*options.tls_verify ? "--tls-verify=true" : "--tls-verify=false");
  if (!options.auth_file.empty()) words.push_back("--authfile=" + options.auth_file);
  if (!options.creds.empty()) words.push_back("--creds=" + options.creds);
  if (!options.cert_dir.empty()) words.push_back("--cert-dir=" + options.cert_dir);
  if (!options.retry.empty()) words.push_back("--retry=" + options.retry);
  if (!options.retry_delay.empty()) words.push_back("--retry-delay=" + options.retry_delay);
  words.emplace_back("--");
  words.push_back(options.image);
  return words;
}

/// Runs `engine-transfer pull`, whose progress and errors go to our stderr. Returns the image id it prints.
std::string pull_image(const Engine& engine, const RunOptions& options, const std::string& policy) {
  base::Pipe output = base::make_pipe();
  base::Command command{.path = own_program("engine-transfer"), .argv = pull_words(engine, options, policy)};
  command.fds = {{output.write_end.get(), 1}};
  command.null_stdin = ::isatty(STDIN_FILENO) == 0;  // a person may be asked what a short name means
  command.die_with_parent = true;
  base::Child child = base::spawn(command);
  output.write_end.reset();
  const std::string id{base::trim(base::read_to_end(output.read_end.get(), max_pull_output_bytes))};
  const base::ExitStatus status = child.wait();
  // The child has told the user already; an empty message adds nothing to that.
  if (status.code != 0) throw base::Error{status.code == 130 ? ErrorKind::interrupted : ErrorKind::network, ""};
  return id;
}

bool has_all_layers(Engine& engine, const storage::ImageRecord& record) {
  return std::all_of(record.chain_ids.begin(), record.chain_ids.end(), [&](const base::Digest& chain) {
    return storage::has_layer(engine.store(), chain, engine.variant());
  });
}

bool is_wanted_platform(Engine& engine, const storage::ImageRecord& record, const std::string& wanted) {
  if (wanted.empty()) return true;
  const oci::Platform have = storage::read_image_config(engine.store(), record).platform;
  return oci::choose_platform({have}, oci::parse_platform(wanted)).has_value();
}

std::optional<storage::ResolvedImage> find_usable(Engine& engine, const RunOptions& options) {
  if (is_other_transport(options.image)) return std::nullopt;
  auto image = storage::resolve_image(engine.store(), options.image);
  if (image && is_manifest_list(engine.store(), image->record)) {
    const auto chosen = choose_stored_instance(engine.store(), image->record, options.platform);
    if (!chosen || !has_all_layers(engine, *chosen)) return std::nullopt;
    image->record = *chosen;
    return image;
  }
  if (image && is_wanted_platform(engine, image->record, options.platform) && has_all_layers(engine, image->record))
    return image;
  return std::nullopt;
}

ImageForRun use(storage::ResolvedImage image, storage::GcHold hold) {
  std::string name = image.name.empty() ? std::string{image.record.config.hex()} : std::move(image.name);
  return {std::move(image.record), std::move(name), std::move(hold)};
}

void check_policy(const std::string& policy) {
  for (const char* known : {"always", "missing", "never", "newer", "ifnewer", "true", "false"})
    if (policy == known) return;
  throw make_error(ErrorKind::invalid_argument, "--pull ", quoted(policy),
                   " is not one of always, missing, never, newer");
}

}  // namespace

ImageForRun find_or_pull(Engine& engine, const RunOptions& given) {
  if (given.pull.empty()) {
    RunOptions options = given;
    options.pull = load_image_settings(engine.config).pull_policy;
    return find_or_pull(engine, options);
  }
  const RunOptions& options = given;
  check_policy(options.pull);
  if (options.image.empty()) throw make_error(ErrorKind::invalid_argument, "the name of the image is empty");
  const bool must_ask =
      options.pull == "always" || options.pull == "newer" || options.pull == "ifnewer" || options.pull == "true";
  if (!must_ask) {
    storage::GcHold hold = engine.store().hold_garbage();
    if (auto image = find_usable(engine, options)) return use(std::move(*image), std::move(hold));
  }
  const bool is_forbidden = options.pull == "never" || options.pull == "false";
  // One that is here, but not for our ids, is unpacked without the network.
  if (is_forbidden && (is_other_transport(options.image) || !storage::resolve_image(engine.store(), options.image)))
    throw make_error(ErrorKind::not_found, options.image, ": image not known")
        .with_hint(base::concat("engine pull ", options.image));
  // No lock is held across the network; the image is looked up again under a new one.
  const std::string id = pull_image(engine, options, must_ask ? options.pull : is_forbidden ? "never" : "missing");
  storage::GcHold hold = engine.store().hold_garbage();
  // By name where there is one, for `ps`; a moved tag must not give another image than the one that was pulled.
  auto image = is_other_transport(options.image) ? std::nullopt : storage::resolve_image(engine.store(), options.image);
  if (!image || image->record.config.hex() != id) image = storage::resolve_image(engine.store(), id);
  if (!image)
    throw make_error(ErrorKind::not_found, "image ", quoted(options.image), " was removed while it was being pulled");
  return use(std::move(*image), std::move(hold));
}

}  // namespace engine
