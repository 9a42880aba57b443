#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/oci/descriptor.hpp"
#include "registry/attempts.hpp"
#include "registry/endpoint.hpp"
#include "registry/image_source.hpp"

namespace registry {

/// Where an upload goes on, by the Location of `response`. @throws Error network, when there is none, or when it leads
/// to a place less safe than the registry: from https to http, or from elsewhere to this machine.
Url upload_location(const HttpResponse& response);

/// Pure. The number of bytes that a registry has, by the Range header of an upload ("0-1023"; "bytes=0-1023" is taken
/// as well); nothing when malformed. Source: OCI distribution-spec "Pushing a blob in chunks".
std::optional<std::uint64_t> received_bytes(std::string_view range);

/// One blob on its way into a repository: in one request at first; after a cut, or where the registry takes only little
/// at once, in pieces, so that what has arrived is not sent again. Sources: OCI distribution-spec "Pushing blobs".
class BlobUpload {
 public:
  /// All must outlive it. @param session  Where the bytes go, when the registry has said so already.
  BlobUpload(Endpoint& endpoint, const oci::Descriptor& blob, ImageSource& source, Attempts& attempts,
             std::optional<Url> session)
      : endpoint_(endpoint), blob_(blob), source_(source), attempts_(attempts), session_(std::move(session)) {}

  /// @throws Error of the source; network, permission, corrupt, when the bytes are not what the digest says.
  void run();

 private:
  bool go_on();
  void open_session();
  bool send_all();
  bool send_piece();
  bool finish();
  HttpBody bytes(std::uint64_t count);
  void write_bytes(base::Sink& sink, std::uint64_t count);
  bool take_final(HttpResponse& response);
  void take_progress(HttpResponse& response);
  void take_failure(HttpResponse& response);
  void ask_what_arrived();
  void forget_session();
  void check_own_bytes();
  void cancel() noexcept;

  Endpoint& endpoint_;
  const oci::Descriptor& blob_;
  ImageSource& source_;
  Attempts& attempts_;
  std::optional<Url> session_;
  std::uint64_t position_ = 0;  ///< What the registry has.
  std::uint64_t furthest_ = 0;  ///< What it ever had.
  bool in_pieces_ = false;
  bool pieces_are_refused_ = false;
  std::uint64_t piece_bytes_ = 0;
  bool has_source_failed_ = false;
};

}  // namespace registry
