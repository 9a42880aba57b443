#include "engine/bundle.hpp"

#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "engine/container_ids.hpp"
#include "engine/container_user.hpp"
#include "engine/id_variants.hpp"
#include "engine/image_for_run.hpp"
#include "engine/inside.hpp"
#include "engine/limits.hpp"
#include "engine/make_spec.hpp"
#include "engine/process_of_image.hpp"
#include "runtime/seccomp.hpp"
#include "storage/images.hpp"
#include "storage/overlay.hpp"

// bundle: from an image to config.json and rootfs. The tree is made as the copy driver makes one: in the user
// namespace, with the owners that the image wants, and by reflinks where the file system has them.

namespace engine {
namespace {

constexpr const char* made_as = "tree";  ///< What storage::prepare_copy calls it.
constexpr const char* root_name = "rootfs";

std::string absolute_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) throw base::os_error("looking for ", base::quoted(path));
  return resolved;
}

base::UniqueFd open_new_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw base::os_error("making ", base::quoted(path));
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  if (!base::list_directory(fd.get(), ".").empty())
    throw base::make_error(base::ErrorKind::already_exists, base::quoted(path), " is not empty");
  return fd;
}

storage::ContainerRecord record_of(const storage::ImageRecord& image, const ContainerIds& ids) {
  storage::ContainerRecord record;
  record.driver = "copy";
  note_ids(record, ids);
  for (const base::Digest& chain : image.chain_ids) record.chain_ids.push_back(chain.text());
  return record;
}

runtime::Spec spec_of_bundle(Engine& engine, const RunOptions& options, const storage::ImageRecord& image,
                             const ContainerIds& ids) {
  const oci::ImageConfig config = storage::read_image_config(engine.store(), image);
  storage::ContainerRecord record = record_of(image, ids);
  record.user = options.user.empty() ? config.user : options.user;
  const std::string work_dir = container_work_dir(options, config);
  const ContainerUser user = find_container_user(engine, record, ids, options, {}, work_dir);
  const Security security = resolve_security(options);
  const Surroundings around;
  SpecInputs in{.options = options, .security = security, .user = user.user, .around = around, .id_map = ids.map};
  in.argv = container_command(options, config);
  // Without anything of our own environment: a bundle may go elsewhere.
  in.env = container_environment(options, config, user.user, options.hostname, {}).assignments();
  in.work_dir = work_dir;
  in.hostname = options.hostname;
  in.network = options.network;
  in.seccomp_json = security.seccomp ? runtime::default_profile_json(security.capabilities) : std::string{};
  in.root_path = root_name;
  in.host_has_mqueue = base::exists(AT_FDCWD, "/dev/mqueue");
  in.rlimits = container_limits(options.ulimits);
  return make_spec(in);
}

std::vector<std::string> tree_words(const std::string& folder, const storage::ImageRecord& image,
                                    const ContainerIds& ids) {
  std::vector<std::string> words{"bundle-tree", folder, ids.variant};
  for (const base::Digest& chain : image.chain_ids) words.push_back(chain.text());
  return words;
}

}  // namespace

std::string make_bundle(Engine& engine, const BundleOptions& options) {
  RunOptions run = options.run;
  if (run.network.empty()) run.network = "none";
  if (run.hostname.empty()) run.hostname = "bundle";
  ImageForRun image = find_or_pull(engine, run);
  const ContainerIds ids = choose_container_ids(engine, run, image.record.chain_ids);
  ensure_id_variants(engine, image, ids);
  const runtime::Spec spec = spec_of_bundle(engine, run, image.record, ids);
  const base::UniqueFd folder = open_new_folder(options.folder);
  const std::string path = absolute_path(options.folder);
  auto undo = base::on_scope_exit([&] {
    ::unlinkat(folder.get(), "config.json", 0);
    ::unlinkat(AT_FDCWD, path.c_str(), AT_REMOVEDIR);
  });
  run_inside(engine, tree_words(path, image.record, ids));
  base::write_file_atomically(folder.get(), "config.json", base::concat(runtime::write_spec_indented(spec), "\n"),
                              base::Durability::volatile_, 0644);
  undo.cancel();
  return path;
}

void make_bundle_tree_inside(Engine& engine, const std::vector<std::string>& words) {
  const base::UniqueFd folder = base::open_directory(AT_FDCWD, words.at(1));
  storage::RootfsRequest request{
      .driver = base::RootfsDriver::copy, .chain_ids = {}, .variant = words.at(2), .container_dir = folder.get()};
  for (std::size_t i = 3; i < words.size(); ++i) request.chain_ids.push_back(base::Digest::parse(words[i]));
  auto undo = base::on_scope_exit([&] { base::remove_tree(folder.get(), made_as); });
  storage::prepare_copy(engine.store(), request);
  if (!base::rename_no_replace(folder.get(), made_as, folder.get(), root_name))
    throw base::make_error(base::ErrorKind::already_exists, base::quoted(root_name), " appeared meanwhile");
  undo.cancel();
}

}  // namespace engine
