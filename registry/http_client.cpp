#include "registry/http_client.hpp"

#include <cerrno>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "registry/private_address.hpp"

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

bool HttpResponse::is_peer_private() const {
  return transfer_->is_peer_private();
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

std::string tls_hint(const TlsSettings& tls, std::string_view detail) {
  if (detail.find("wrong version number") != std::string_view::npos)
    return "the registry seems to speak plain HTTP: use --tls-verify=false, or insecure = true in registries.conf";
  if (tls.advice_folder.empty()) return "use --cert-dir to trust its CA, or --tls-verify=false";
  return base::concat("put the registry's CA in ", tls.advice_folder, "/ca.crt, or use --tls-verify=false");
}

base::Error unreachable(const Url& url, const std::string& detail, const std::string& reason) {
  std::string host = url.host;  // as libcurl writes it
  std::erase_if(host, [](char c) { return c == '[' || c == ']'; });
  const std::string said = base::to_lower(detail);
  const bool names_somebody = said.starts_with("failed to connect to ") || said.starts_with("could not resolve ");
  const bool is_proxy = names_somebody && said.find(host) == std::string::npos;
  if (is_proxy)
    return base::make_error(base::ErrorKind::network, "the proxy for ", url.origin(), " cannot be reached: ", detail)
        .with_hint("http_proxy, https_proxy and all_proxy name proxies, no_proxy who is reached without one");
  if (reason.empty())
    return base::make_error(base::ErrorKind::network, "cannot find ", url.origin(), ": ", detail)
        .with_hint("check the name, the network and the name server in /etc/resolv.conf");
  return base::make_error(base::ErrorKind::network, "cannot connect to ", url.origin(), ": ", reason)
      .with_hint("check that the registry runs and that its port is part of the name")
      .with_code(ECONNREFUSED);
}

bool is_transient(const base::Error& error) {
  return error.kind() == base::ErrorKind::network &&
         (error.code() == ECONNRESET || error.code() == ETIMEDOUT || error.code() == EAGAIN);
}

bool may_speak_plain_http(const base::Error& error) {
  if (error.kind() != base::ErrorKind::network) return false;
  return error.code() == ECONNREFUSED || error.code() == EPROTO || error.code() == ECONNRESET;
}

base::Error private_redirect(const Url& target) {
  return base::make_error(base::ErrorKind::network, "a redirect to ", target.origin(),
                          ", which is in a private network or this machine, is refused")
      .with_hint("if that is meant: private_redirects = true in engine.conf, table [network]");
}

HttpClient::HttpClient(HttpSettings settings)
    : settings_(std::move(settings)), pool_(std::make_shared<TransferPool>()) {}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request) {
  Transfer::Hop hop{.url = request.url};
  for (unsigned hops = 0;; ++hops) {
    std::unique_ptr<Transfer> transfer = pool_->take();
    const Url url = hop.url;
    transfer->start(settings_, request, hop);
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
    // Only who is on the internet is not to reach, through us, what only we can reach.
    if (hops == 0) hop.public_only = !settings_.limits.private_redirects && !response.is_peer_private();
    if (hop.public_only && (is_local_host(next.host) || is_private_address(next.host))) throw private_redirect(next);
    response.discard();
    hop.with_authorization = hop.with_authorization && next.same_origin(request.url);
    hop.url = std::move(next);
  }
}

}  // namespace registry
