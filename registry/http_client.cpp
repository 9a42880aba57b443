#include "registry/http_client.hpp"

#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t max_discarded_bytes = 64 * 1024;

/// The stream of one request; refuses bytes once the peer has answered.
class BodySink final : public base::Sink {
 public:
  explicit BodySink(Transfer& transfer) : transfer_(transfer) {}
  void write(std::string_view bytes) override {
    was_refused_ = !bytes.empty() && !transfer_.send(bytes);
    if (was_refused_) throw base::Error(base::ErrorKind::interrupted, "the peer has answered already");
  }
  bool was_refused() const noexcept { return was_refused_; }

 private:
  Transfer& transfer_;
  bool was_refused_ = false;
};

void send_stream(Transfer& transfer, const HttpBody& body) {
  BodySink sink(transfer);
  try {
    body.write(sink);
  } catch (const base::Error&) {  // an early answer, or a cut: what follows tells
    if (!sink.was_refused()) throw;
  }
}

}  // namespace

/// Transfers that are not in use. It outlives the client for as long as a response is being read.
class TransferPool {
 public:
  std::unique_ptr<Transfer> take() {
    const std::lock_guard lock{mutex_};
    if (idle_.empty()) return std::make_unique<Transfer>();
    std::unique_ptr<Transfer> transfer = std::move(idle_.back());
    idle_.pop_back();
    return transfer;
  }
  void give_back(std::unique_ptr<Transfer> transfer) noexcept {
    transfer->stop();
    try {
      const std::lock_guard lock{mutex_};
      idle_.push_back(std::move(transfer));
    } catch (const std::exception&) {  // out of memory: the transfer is simply not kept
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> idle_;
};

HttpResponse::HttpResponse(std::shared_ptr<TransferPool> pool, std::unique_ptr<Transfer> transfer, Url url)
    : pool_(std::move(pool)), transfer_(std::move(transfer)), url_(std::move(url)) {}

HttpResponse::HttpResponse(HttpResponse&&) noexcept = default;

HttpResponse::~HttpResponse() {
  if (transfer_) pool_->give_back(std::move(transfer_));
}

int HttpResponse::status() const {
  return transfer_->status();
}

std::vector<std::string> HttpResponse::headers(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : transfer_->headers()) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  std::vector<std::string> values = headers(name);
  if (values.empty()) return std::nullopt;
  return std::move(values.back());
}

std::optional<std::uint64_t> HttpResponse::content_length() const {
  const std::optional<std::string> value = header("content-length");
  return value ? base::parse_unsigned(*value) : std::nullopt;
}

std::string_view HttpResponse::read_chunk() {
  return transfer_->read_chunk();
}

std::string HttpResponse::read_all(std::size_t limit_bytes, std::string_view what) {
  const auto too_long = [&] {
    return base::make_error(base::ErrorKind::corrupt, what, " is longer than ", limit_bytes, " bytes");
  };
  if (content_length().value_or(0) > limit_bytes) throw too_long();
  std::string text;
  for (std::string_view chunk = read_chunk(); !chunk.empty(); chunk = read_chunk()) {
    if (chunk.size() > limit_bytes - text.size()) throw too_long();
    text.append(chunk);
  }
  return text;
}

void HttpResponse::discard() {
  if (content_length().value_or(0) > max_discarded_bytes) return;
  try {
    std::size_t total = 0;
    for (std::string_view chunk = read_chunk(); !chunk.empty(); chunk = read_chunk()) {
      total += chunk.size();
      if (total > max_discarded_bytes) return;
    }
  } catch (const base::Error&) {  // nobody wants the body; the connection is not used again
  }
}

HttpClient::HttpClient(HttpSettings settings)
    : settings_(std::move(settings)), pool_(std::make_shared<TransferPool>()) {}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request) {
  Url url = request.url;
  bool with_authorization = true;
  for (unsigned hops = 0;; ++hops) {
    std::unique_ptr<Transfer> transfer = pool_->take();
    transfer->start(settings_, request, url, with_authorization);
    if (request.stream) send_stream(*transfer, *request.stream);
    transfer->wait_for_headers();
    HttpResponse response{pool_, std::move(transfer), url};
    const int status = response.status();
    const bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    const bool may_follow = !request.form && (request.method == "GET" || request.method == "HEAD");
    if (!is_redirect || !may_follow) return response;
    const std::optional<std::string> location = response.header("location");
    if (!location)
      throw base::make_error(base::ErrorKind::network, url.origin(), " answered ", status, " without a Location");
    if (hops == max_redirects)
      throw base::make_error(base::ErrorKind::network, request.url.origin(), " redirects more than ", max_redirects,
                             " times");
    Url next = base::with_context([&] { return resolve_location(url, *location); }, "redirect from ", url.origin());
    if (url.scheme == "https" && next.scheme == "http")
      throw base::make_error(base::ErrorKind::network, url.origin(), " redirects to plain HTTP at ", next.origin(),
                             ", which is refused");
    response.discard();
    with_authorization = with_authorization && next.same_origin(request.url);
    url = std::move(next);
  }
}

}  // namespace registry
