#include <sys/prctl.h>
#include <sys/stat.h>

#include "cmd/inherited.hpp"
#include "cmd/program.hpp"
#include "cmd/transfer_verbs.hpp"

// engine-transfer: the commands of the same table that move image bytes. Started by `engine`, not by users.

int main(int argc, char** argv) {
  ::prctl(PR_SET_DUMPABLE, 0);
  cmd::repair_what_was_inherited();
  const mode_t callers_umask = ::umask(077);
  const cmd::TransferVerbs verbs{.pull = engine::pull,
                                 .push = engine::push,
                                 .save_images = engine::save_images,
                                 .load_images = engine::load_images,
                                 .find_login = engine::find_login,
                                 .is_login_valid = engine::is_login_valid,
                                 .log_in = engine::log_in,
                                 .log_out = engine::log_out,
                                 .log_out_everywhere = engine::log_out_everywhere,
                                 .import_image = engine::import_image,
                                 .commit = engine::commit,
                                 .fetch = engine::fetch_for_parent,
                                 .read_archive = engine::read_archive_for_copy,
                                 .repair_image = engine::repair_image_for_parent,
                                 .unpack_child = engine::unpack_child,
                                 .tags = engine::tags,
                                 .image_digest = engine::image_digest,
                                 .search_images = engine::search_images,
                                 .delete_remote = engine::delete_remote,
                                 .list_blobs = engine::list_blobs,
                                 .import_volume = engine::import_volume,
                                 .write_blob = engine::write_blob,
                                 .copy_image = engine::copy_image,
                                 .serve = engine::serve,
                                 .sync_images = engine::sync_images,
                                 .pull_artifact = engine::pull_artifact,
                                 .push_artifact = engine::push_artifact,
                                 .append_layers = engine::append_layers,
                                 .mutate_image = engine::mutate_image,
                                 .create_manifest_list = engine::create_manifest_list,
                                 .add_to_manifest_list = engine::add_to_manifest_list,
                                 .inspect_manifest_list = engine::inspect_manifest_list,
                                 .push_manifest_list = engine::push_manifest_list,
                                 .sign_image = engine::sign_image,
                                 .show_trust = engine::show_trust,
                                 .raw_trust = engine::raw_trust,
                                 .set_trust = engine::set_trust,
                                 .short_name_choices = engine::short_name_choices,
                                 .remember_short_name = engine::remember_short_name};
  return cmd::run_program({.transfer = &verbs, .callers_umask = callers_umask}, {argv, argv + argc});
}
