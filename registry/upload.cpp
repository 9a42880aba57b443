#include "registry/upload.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

/// How much is sent again at worst after a cut; large enough that the round trips between do not count.
constexpr std::uint64_t usual_piece_bytes = 16 * 1024 * 1024;
/// The most that a registry may demand as the least of a piece.
constexpr std::uint64_t largest_piece_bytes = 512 * 1024 * 1024;
/// A registry that has got this much more counts as going on.
constexpr std::uint64_t progress_that_counts = 1024 * 1024;
constexpr std::chrono::seconds short_deadline{300};

/// Hands on so many bytes of a source that may have more or fewer.
class PieceSink final : public base::Sink {
 public:
  PieceSink(base::Sink& to, std::uint64_t count) : to_(to), left_(count) {}
  void write(std::string_view bytes) override {
    const std::string_view part =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    try {
      if (!part.empty()) to_.write(part);
    } catch (const base::Error&) {
      has_peer_stopped_ = true;
      throw;
    }
    left_ -= part.size();
    if (left_ == 0 && part.size() < bytes.size()) has_more_ = true;
    if (has_more_) throw base::Error(base::ErrorKind::interrupted, "the piece is complete");
  }
  std::uint64_t left() const noexcept { return left_; }
  bool has_more() const noexcept { return has_more_; }
  bool has_peer_stopped() const noexcept { return has_peer_stopped_; }

 private:
  base::Sink& to_;
  std::uint64_t left_;
  bool has_more_ = false;
  bool has_peer_stopped_ = false;
};

class CountingHash final : public base::Sink {
 public:
  void write(std::string_view bytes) override { hash_.update(bytes); }
  base::Digest finish() { return hash_.finish(); }

 private:
  base::Sha256 hash_;
};

Url with_digest(const Url& session, const base::Digest& digest) {
  Url url = session;
  url.target +=
      base::concat(url.target.find('?') == std::string::npos ? '?' : '&', "digest=", percent_encode(digest.text()));
  return url;
}

}  // namespace

Url upload_location(const HttpResponse& response) {
  const Url& from = response.url();
  const std::optional<std::string> location = response.header("location");
  if (!location)
    throw base::make_error(base::ErrorKind::network, from.origin(), " does not say where an upload goes: no Location");
  Url next = base::with_context([&] { return resolve_location(from, *location); }, "upload to ", from.origin());
  const bool is_less_safe = from.scheme == "https" && next.scheme == "http";
  if (is_less_safe || (is_local_host(next.host) && !is_local_host(from.host)))
    throw base::make_error(base::ErrorKind::network, from.origin(), " wants the upload at ", next.origin(),
                           ", which is refused: it is not as safe as the registry");
  return next;
}

std::optional<std::uint64_t> received_bytes(std::string_view range) {
  range = base::trim(range);
  if (range.substr(0, 6) == "bytes=") range.remove_prefix(6);
  const auto parts = base::split_once(range, '-');
  if (!parts || parts->first != "0") return std::nullopt;
  const std::optional<std::uint64_t> last = base::parse_unsigned(parts->second);
  if (!last || *last == UINT64_MAX) return std::nullopt;
  // Nothing yet is "0-0" in docker's registry, which also means one byte: to send that one again costs nothing.
  return *last == 0 ? 0 : *last + 1;
}

void BlobUpload::run() {
  piece_bytes_ = std::max(piece_bytes_, usual_piece_bytes);
  while (true) {
    try {
      if (go_on()) return;
    } catch (const base::Error& error) {
      if (has_source_failed_ || !is_transient(error)) {
        cancel();
        throw;
      }
      attempts_.wait_after(error, 0, "");
      ask_what_arrived();
    }
    // Further than ever: a registry that forgets what it had, again and again, is not tried for ever.
    if (position_ < furthest_ + progress_that_counts) continue;
    furthest_ = position_;
    attempts_.start_anew();
  }
}

/// True when the blob is there.
bool BlobUpload::go_on() {
  if (!session_) open_session();
  if (position_ == 0 && (!in_pieces_ || pieces_are_refused_)) return send_all();
  return position_ == blob_.size_bytes ? finish() : send_piece();
}

void BlobUpload::open_session() {
  position_ = 0;
  EndpointRequest request;
  request.method = "POST";
  request.rest = "blobs/uploads/";
  request.body = "";
  request.deadline = short_deadline;
  while (true) {
    HttpResponse response = endpoint_.send(request);
    if (response.status() == 202) {
      session_ = upload_location(response);
      const auto least = base::parse_unsigned(response.header("oci-chunk-min-length").value_or(""));
      if (least) piece_bytes_ = std::clamp(*least, piece_bytes_, std::max(piece_bytes_, largest_piece_bytes));
      response.discard();
      return;
    }
    attempts_.wait_after(endpoint_.error_for(response, base::concat("repository ", endpoint_.reference().path())),
                         response);
  }
}

HttpBody BlobUpload::bytes(std::uint64_t count) {
  return {count, [this, count](base::Sink& sink) { write_bytes(sink, count); }};
}

void BlobUpload::write_bytes(base::Sink& sink, std::uint64_t count) {
  PieceSink piece(sink, count);
  try {
    source_.blob(blob_, piece, position_);
  } catch (const base::Error&) {
    if (piece.has_more() && position_ + count < blob_.size_bytes) return;
    has_source_failed_ = !piece.has_peer_stopped();
    if (!piece.has_more()) throw;
  }
  if (piece.left() == 0 && !piece.has_more()) return;
  has_source_failed_ = true;
  throw base::make_error(base::ErrorKind::corrupt, "blob ", blob_.digest, " does not have the promised ",
                         blob_.size_bytes, " bytes");
}

bool BlobUpload::send_all() {
  EndpointRequest request;
  request.method = "PUT";
  request.url = with_digest(*session_, blob_.digest);
  request.headers = {"Content-Type: application/octet-stream", "Expect:"};
  request.stream = bytes(blob_.size_bytes);
  HttpResponse response = endpoint_.send(request);
  return take_final(response);
}

bool BlobUpload::send_piece() {
  const std::uint64_t count = std::min(piece_bytes_, blob_.size_bytes - position_);
  EndpointRequest request;
  request.method = "PATCH";
  request.url = session_;
  request.headers = {"Content-Type: application/octet-stream",
                     "Expect:", base::concat("Content-Range: ", position_, "-", position_ + count - 1)};
  request.stream = bytes(count);
  HttpResponse response = endpoint_.send(request);
  if (response.status() == 202 || response.status() == 204) {
    const std::uint64_t sent_to = position_ + count;
    take_progress(response);
    if (position_ != sent_to)
      throw base::make_error(base::ErrorKind::network, response.url().origin(), " says that it has ", position_,
                             " bytes of a blob of which it was sent ", sent_to);
    return false;
  }
  const bool knows_no_pieces = response.status() == 405 || response.status() == 411 || response.status() == 501;
  if (knows_no_pieces && !pieces_are_refused_) {
    pieces_are_refused_ = true;
    forget_session();
    return false;
  }
  take_failure(response);
  return false;
}

bool BlobUpload::finish() {
  EndpointRequest request;
  request.method = "PUT";
  request.url = with_digest(*session_, blob_.digest);
  request.headers = {"Content-Type: application/octet-stream"};
  request.body = "";
  HttpResponse response = endpoint_.send(request);
  return take_final(response);
}

bool BlobUpload::take_final(HttpResponse& response) {
  if (response.status() < 200 || response.status() >= 300) {
    take_failure(response);
    return false;
  }
  const std::string digest = response.header("docker-content-digest").value_or("");
  response.discard();
  if (digest.substr(0, 7) == "sha256:" && digest != blob_.digest.text())
    throw base::make_error(base::ErrorKind::corrupt, response.url().origin(), " has stored blob ", blob_.digest, " as ",
                           base::quoted(digest));
  return true;
}

void BlobUpload::take_progress(HttpResponse& response) {
  const std::optional<std::string> range = response.header("range");
  if (response.header("location")) session_ = upload_location(response);
  const std::optional<std::uint64_t> received = range ? received_bytes(*range) : std::nullopt;
  if (received) position_ = std::min(*received, blob_.size_bytes);
  response.discard();
}

/// Waits, or changes the way of sending, when that may help. @throws what the registry said, when not.
void BlobUpload::take_failure(HttpResponse& response) {
  const int status = response.status();
  base::Error error = endpoint_.error_for(response, base::concat("blob ", blob_.digest));
  if (status == 413 && !in_pieces_ && blob_.size_bytes > progress_that_counts) {
    base::log(base::LogLevel::info, error.message(), "; it is sent in pieces");
    in_pieces_ = true;
    return forget_session();
  }
  if (status == 400) check_own_bytes();
  // The session is gone, or the registry has another idea of how far it is: both are found out by asking.
  const bool is_lost = status == 404 || status == 416;
  attempts_.wait_after(error, is_lost ? 0 : status, response.header("retry-after").value_or(""));
  ask_what_arrived();
}

/// After a failure: from here on in pieces, and from where the registry is, if it still knows of the upload.
void BlobUpload::ask_what_arrived() {
  if (!session_ || blob_.size_bytes <= progress_that_counts) return forget_session();
  in_pieces_ = true;
  try {
    EndpointRequest request;
    request.url = session_;
    request.deadline = short_deadline;
    HttpResponse response = endpoint_.send(request);
    if (response.status() == 204 && response.header("range")) return take_progress(response);
    response.discard();
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "asking how far an upload came: ", error.message());
  }
  forget_session();
}

void BlobUpload::forget_session() {
  session_.reset();
  position_ = 0;
}

/// A registry that complains of the digest is right when our bytes are damaged. @throws Error corrupt then.
void BlobUpload::check_own_bytes() {
  CountingHash hash;
  source_.blob(blob_, hash, 0);
  if (const base::Digest found = hash.finish(); found != blob_.digest)
    throw base::make_error(base::ErrorKind::corrupt, "the bytes of blob ", blob_.digest, " are damaged")
        .with_hint("engine system check --deep finds damage in the store, and --repair fetches it again");
}

/// What was begun is of no use to anybody; a registry that cannot be told finds out by itself.
void BlobUpload::cancel() noexcept {
  if (!session_) return;
  try {
    EndpointRequest request;
    request.method = "DELETE";
    request.url = session_;
    request.deadline = std::chrono::seconds{10};
    endpoint_.send(request).discard();
  } catch (const std::exception& error) {  // told to nobody: the failure that led here is what counts
    base::log(base::LogLevel::debug, "giving up an upload: ", error.what());
  }
}

}  // namespace registry
