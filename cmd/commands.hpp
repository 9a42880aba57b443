#pragma once

#include "cmd/command.hpp"

// What each command file offers to the list in commands.cpp.

namespace cmd {

// cmd/artifact
Action declare_artifact_add(OptionTable& table);
Action declare_artifact_extract(OptionTable& table);
Action declare_artifact_inspect(OptionTable& table);
Action declare_artifact_ls(OptionTable& table);
Action declare_artifact_pull(OptionTable& table);
Action declare_artifact_push(OptionTable& table);
Action declare_artifact_rm(OptionTable& table);

// cmd/container
Action declare_attach(OptionTable& table);
Action declare_commit(OptionTable& table);
Action declare_container_diff(OptionTable& table);
Action declare_container_exists(OptionTable& table);
Action declare_container_inspect(OptionTable& table);
Action declare_container_prune(OptionTable& table);
Action declare_cp(OptionTable& table);
Action declare_create(OptionTable& table);
Action declare_diff(OptionTable& table);
Action declare_events(OptionTable& table);
Action declare_exec(OptionTable& table);
Action declare_export(OptionTable& table);
Action declare_init(OptionTable& table);
Action declare_kill(OptionTable& table);
Action declare_logs(OptionTable& table);
Action declare_mount(OptionTable& table);
Action declare_unmount(OptionTable& table);
Action declare_container_cleanup(OptionTable& table);
Action declare_container_clone(OptionTable& table);
Action declare_pause(OptionTable& table);
Action declare_port(OptionTable& table);
Action declare_ps(OptionTable& table);
Action declare_rename(OptionTable& table);
Action declare_restart(OptionTable& table);
Action declare_rm(OptionTable& table);
Action declare_run(OptionTable& table);
Action declare_start(OptionTable& table);
Action declare_stats(OptionTable& table);
Action declare_stop(OptionTable& table);
Action declare_unpause(OptionTable& table);
Action declare_update(OptionTable& table);
Action declare_wait(OptionTable& table);

// cmd/image
Action declare_append(OptionTable& table);
Action declare_bundle(OptionTable& table);
Action declare_history(OptionTable& table);
Action declare_image_diff(OptionTable& table);
Action declare_image_exists(OptionTable& table);
Action declare_image_inspect(OptionTable& table);
Action declare_image_mount(OptionTable& table);
Action declare_image_prune(OptionTable& table);
Action declare_image_scp(OptionTable& table);
Action declare_image_sign(OptionTable& table);
Action declare_image_tree(OptionTable& table);
Action declare_image_trust_set(OptionTable& table);
Action declare_image_trust_show(OptionTable& table);
Action declare_image_unmount(OptionTable& table);
Action declare_images(OptionTable& table);
Action declare_import(OptionTable& table);
Action declare_load(OptionTable& table);
Action declare_mutate(OptionTable& table);
Action declare_pull(OptionTable& table);
Action declare_push(OptionTable& table);
Action declare_rmi(OptionTable& table);
Action declare_save(OptionTable& table);
Action declare_tag(OptionTable& table);
Action declare_untag(OptionTable& table);

// cmd/manifest
Action declare_manifest_add(OptionTable& table);
Action declare_manifest_annotate(OptionTable& table);
Action declare_manifest_create(OptionTable& table);
Action declare_manifest_exists(OptionTable& table);
Action declare_manifest_inspect(OptionTable& table);
Action declare_manifest_push(OptionTable& table);
Action declare_manifest_remove(OptionTable& table);
Action declare_manifest_rm(OptionTable& table);

// cmd/registry
Action declare_blob_cat(OptionTable& table);
Action declare_blob_ls(OptionTable& table);
Action declare_copy(OptionTable& table);
Action declare_delete(OptionTable& table);
Action declare_digest(OptionTable& table);
Action declare_search(OptionTable& table);
Action declare_serve(OptionTable& table);
Action declare_sync(OptionTable& table);
Action declare_tags(OptionTable& table);
Action declare_top(OptionTable& table);

// cmd/secret
Action declare_secret_create(OptionTable& table);
Action declare_secret_exists(OptionTable& table);
Action declare_secret_inspect(OptionTable& table);
Action declare_secret_ls(OptionTable& table);
Action declare_secret_rm(OptionTable& table);

// cmd/systemd
Action declare_auto_update(OptionTable& table);
Action declare_generate_systemd(OptionTable& table);
Action declare_quadlet_install(OptionTable& table);
Action declare_quadlet_list(OptionTable& table);
Action declare_quadlet_print(OptionTable& table);
Action declare_quadlet_rm(OptionTable& table);
Action declare_systemd_install(OptionTable& table);
Action declare_shutdown(OptionTable& table);

// cmd/system
Action declare_cleanup(OptionTable& table);
Action declare_complete(OptionTable& table);
Action declare_describe(OptionTable& table);
Action declare_due_check(OptionTable& table);
Action declare_healthcheck_run(OptionTable& table);
Action declare_restart_ended(OptionTable& table);
Action declare_help(OptionTable& table);
Action declare_doctor(OptionTable& table);
Action declare_explain(OptionTable& table);
Action declare_info(OptionTable& table);
Action declare_inside(OptionTable& table);
Action declare_inspect(OptionTable& table);
Action declare_late_layers(OptionTable& table);
Action declare_login(OptionTable& table);
Action declare_logout(OptionTable& table);
Action declare_repair(OptionTable& table);
Action declare_runtime(OptionTable& table);
Action declare_system_check(OptionTable& table);
Action declare_config_explain(OptionTable& table);
Action declare_config_list(OptionTable& table);
Action declare_system_df(OptionTable& table);
Action declare_system_prune(OptionTable& table);
Action declare_system_reset(OptionTable& table);
Action declare_fetch(OptionTable& table);
Action declare_read_archive(OptionTable& table);
Action declare_unpack(OptionTable& table);
Action declare_unshare(OptionTable& table);
Action declare_version(OptionTable& table);

// cmd/network
Action declare_network_child(OptionTable& table);
Action declare_network_exists(OptionTable& table);
Action declare_network_inspect(OptionTable& table);
Action declare_network_ls(OptionTable& table);

// cmd/volume
Action declare_volume_create(OptionTable& table);
Action declare_volume_exists(OptionTable& table);
Action declare_volume_export(OptionTable& table);
Action declare_volume_import(OptionTable& table);
Action declare_volume_inspect(OptionTable& table);
Action declare_volume_ls(OptionTable& table);
Action declare_volume_mount(OptionTable& table);
Action declare_volume_prune(OptionTable& table);
Action declare_volume_rm(OptionTable& table);
Action declare_volume_unmount(OptionTable& table);

}  // namespace cmd
