#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/append.hpp"
#include "engine/artifacts.hpp"
#include "engine/commit.hpp"
#include "engine/context.hpp"
#include "engine/copy.hpp"
#include "engine/copy_archive.hpp"
#include "engine/fetch.hpp"
#include "engine/image_archives.hpp"
#include "engine/image_trust.hpp"
#include "engine/login.hpp"
#include "engine/manifest_list_verbs.hpp"
#include "engine/push.hpp"
#include "engine/remote.hpp"
#include "engine/repair_image.hpp"
#include "engine/serve.hpp"
#include "engine/short_name_choice.hpp"
#include "engine/sync.hpp"
#include "engine/verbs.hpp"
#include "engine/volume_archive.hpp"

namespace cmd {

/// The verbs that only engine-transfer links.
struct TransferVerbs {
  std::vector<std::string> (*pull)(engine::Engine& engine, const engine::PullOptions& options);
  engine::PushedImage (*push)(engine::Engine& engine, const engine::PushOptions& options);
  void (*save_images)(engine::Engine& engine, const engine::SaveOptions& options);
  void (*load_images)(engine::Engine& engine, const std::string& input,
                      const std::function<void(const engine::LoadedImage&)>& on_loaded);
  engine::KnownLogin (*find_login)(engine::Engine& engine, const engine::LoginOptions& options);
  bool (*is_login_valid)(engine::Engine& engine, const engine::LoginOptions& options);
  std::string (*log_in)(engine::Engine& engine, const engine::LoginOptions& options, const std::string& user,
                        const std::string& password);
  std::string (*log_out)(engine::Engine& engine, const engine::LoginOptions& options);
  void (*log_out_everywhere)(engine::Engine& engine, const engine::LoginOptions& options);
  std::string (*import_image)(engine::Engine& engine, const engine::ImportOptions& options);
  std::string (*commit)(engine::Engine& engine, const engine::CommitOptions& options);
  int (*fetch)(engine::Engine& engine, const std::string& url);
  int (*read_archive)(engine::Engine& engine);
  int (*repair_image)(engine::Engine& engine, const engine::RepairImageOptions& options);
  int (*unpack_child)(engine::Engine& engine);
  engine::TagList (*tags)(engine::Engine& engine, const engine::TagsOptions& options);
  engine::ImageDigest (*image_digest)(engine::Engine& engine, const engine::DigestOptions& options);
  std::vector<engine::FoundImage> (*search_images)(engine::Engine& engine, const engine::SearchOptions& options);
  engine::DeletedImage (*delete_remote)(engine::Engine& engine, const engine::DeleteOptions& options);
  std::vector<engine::BlobSummary> (*list_blobs)(engine::Engine& engine, const engine::BlobOptions& options);
  void (*import_volume)(engine::Engine& engine, const std::string& volume, int input);
  void (*write_blob)(engine::Engine& engine, const engine::BlobOptions& options, base::Sink& to);
  engine::CopiedImage (*copy_image)(engine::Engine& engine, const engine::CopyOptions& options);
  void (*serve)(engine::Engine& engine, const engine::ServeOptions& options,
                const std::function<void(const std::string& url)>& on_ready);
  void (*sync_images)(engine::Engine& engine, const engine::SyncOptions& options,
                      const std::function<void(const engine::SyncedImage&)>& on_image);
  base::Digest (*pull_artifact)(engine::Engine& engine, const engine::PullArtifactOptions& options);
  engine::PushedImage (*push_artifact)(engine::Engine& engine, const engine::PushArtifactOptions& options);
  engine::DerivedImage (*append_layers)(engine::Engine& engine, const engine::AppendOptions& options);
  engine::DerivedImage (*mutate_image)(engine::Engine& engine, const engine::MutateOptions& options);
  std::string (*create_manifest_list)(engine::Engine& engine, const engine::CreateListOptions& options);
  std::string (*add_to_manifest_list)(engine::Engine& engine, const engine::AddToListOptions& options);
  engine::InspectedList (*inspect_manifest_list)(engine::Engine& engine, const engine::InspectListOptions& options);
  engine::PushedImage (*push_manifest_list)(engine::Engine& engine, const engine::PushListOptions& options);
  std::vector<std::string> (*sign_image)(engine::Engine& engine, const engine::SignOptions& options);
  std::vector<engine::TrustEntry> (*show_trust)(engine::Engine& engine, const engine::TrustFiles& files);
  std::string (*raw_trust)(engine::Engine& engine, const engine::TrustFiles& files);
  void (*set_trust)(engine::Engine& engine, const engine::SetTrustOptions& options);
  std::vector<std::string> (*short_name_choices)(engine::Engine& engine, const std::string& typed, bool may_be_stored);
  void (*remember_short_name)(engine::Engine& engine, const std::string& typed, const std::string& chosen);
};

}  // namespace cmd
