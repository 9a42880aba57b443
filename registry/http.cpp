#include "registry/http.hpp"

#include <cerrno>
#include <curl/curl.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "base/host_file.hpp"
#include "base/text.hpp"
#include "registry/private_address.hpp"

namespace registry {
namespace {

/// libcurl fills this up to a hundred times before it lets us read, so it bounds the memory of a fast transfer.
constexpr long receive_buffer_bytes = 64 * 1024;
/// With so much waiting to be read, libcurl is told to stop receiving.
constexpr std::size_t max_waiting_bytes = 1024 * 1024;
constexpr long send_buffer_bytes = 512 * 1024;
/// A registry may work for minutes on what it was sent before it answers.
constexpr long answer_patience_seconds = 600;
constexpr std::size_t max_authorities_bytes = 8 * 1024 * 1024;

template <class Value>
void set_option(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code == CURLE_OK) return;
  throw base::make_error(base::ErrorKind::internal, "setting libcurl option ", static_cast<int>(option), ": ",
                         curl_easy_strerror(code));
}

void initialise_curl_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK)
    throw base::make_error(base::ErrorKind::internal, "initialising libcurl: ", curl_easy_strerror(code));
}

/// The system's bundle: libcurl replaces it when it is given authorities of our own, so both are given together.
std::string system_authorities() {
  const curl_version_info_data* version = curl_version_info(CURLVERSION_NOW);
  if (version->cainfo == nullptr) return {};
  return base::try_read_host_file(version->cainfo, max_authorities_bytes).value_or(std::string{});
}

/// The kernel's reason, which is shorter than libcurl's; libcurl's where the kernel gave none.
std::string connect_failure(CURL* easy, const std::string& detail) {
  long code = 0;
  if (curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &code) != CURLE_OK || code == 0) return detail;
  return std::generic_category().message(static_cast<int>(code));
}

/// Called for each address that a name has: what it means is known here only. @param refused  A bool, set when one is.
curl_socket_t open_public_socket(void* refused, curlsocktype, curl_sockaddr* address) {
  if (!is_private_address(address->addr))
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  *static_cast<bool*>(refused) = true;
  return CURL_SOCKET_BAD;
}

/// Without the line ends and the trailing full stop that OpenSSL's texts have.
std::string clean_detail(const char* buffer, CURLcode code) {
  std::string detail{base::trim(buffer[0] != '\0' ? buffer : curl_easy_strerror(code))};
  for (char& c : detail) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return detail;
}

}  // namespace

// clang-format off
void Transfer::EasyDeleter::operator()(void* handle) const noexcept { curl_easy_cleanup(handle); }
void Transfer::MultiDeleter::operator()(void* handle) const noexcept { curl_multi_cleanup(handle); }
void Transfer::ListDeleter::operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
// clang-format on

Transfer::Transfer() : error_buffer_(CURL_ERROR_SIZE, '\0') {
  initialise_curl_once();
  multi_.reset(curl_multi_init());
  easy_.reset(curl_easy_init());
  if (!multi_ || !easy_) throw base::Error(base::ErrorKind::internal, "libcurl gave no handle");
}

void Transfer::start(const HttpSettings& settings, const HttpRequest& request, const Hop& hop) {
  const Url& url = hop.url;
  stop();
  curl_easy_reset(easy_.get());
  has_headers_ = is_done_ = is_over_limit_ = body_was_read_ = is_sending_paused_ = is_receiving_paused_ = false;
  outgoing_ = {};
  send_limit_ = settings.limits.slow;
  result_ = CURLE_OK;
  status_ = 0;
  header_bytes_ = 0;
  headers_.clear();
  body_.clear();
  error_buffer_[0] = '\0';
  url_ = url;
  tls_ = request.tls;
  headers_limit_ = settings.limits.first_byte;
  has_body_to_send_ = request.method != "GET" && request.method != "HEAD";
  set_fixed_options(settings);
  if (!url.same_origin(request.url)) tls_.client_certificate.clear();  // a redirect must not make us known elsewhere
  set_tls(tls_);
  set_headers(request, hop.with_authorization);
  is_private_refused_ = false;
  if (hop.public_only) set_option(easy_.get(), CURLOPT_OPENSOCKETFUNCTION, &open_public_socket);
  if (hop.public_only) set_option(easy_.get(), CURLOPT_OPENSOCKETDATA, static_cast<void*>(&is_private_refused_));
  set_option(easy_.get(), CURLOPT_URL, url.text().c_str());
  set_option(easy_.get(), CURLOPT_PROTOCOLS_STR, url.scheme.c_str());
  if (is_loopback_host(url.host)) set_option(easy_.get(), CURLOPT_PROXY, "");
  if (request.deadline.count() > 0)
    set_option(easy_.get(), CURLOPT_TIMEOUT, static_cast<long>(request.deadline.count()));
  set_content(request);
  if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK)
    throw base::Error(base::ErrorKind::internal, "starting a transfer in libcurl");
  is_running_ = true;
}

void Transfer::set_fixed_options(const HttpSettings& settings) {
  CURL* easy = easy_.get();
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set_option(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
  set_option(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set_option(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set_option(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set_option(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(settings.limits.connect.count()));
  set_option(easy, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(settings.limits.least_bytes_per_second));
  set_option(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.limits.slow.count()));
  set_option(easy, CURLOPT_BUFFERSIZE, receive_buffer_bytes);
  set_option(easy, CURLOPT_USERAGENT, settings.user_agent.c_str());
  set_option(easy, CURLOPT_ERRORBUFFER, error_buffer_.data());
  set_option(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set_option(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set_option(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set_option(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
}

void Transfer::set_tls(const TlsSettings& tls) {
  CURL* easy = easy_.get();
  set_option(easy, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set_option(easy, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.authorities.empty()) {
    static const std::string system = system_authorities();
    authorities_ = base::concat(system, "\n", tls.authorities);
    curl_blob blob{authorities_.data(), authorities_.size(), CURL_BLOB_NOCOPY};
    set_option(easy, CURLOPT_CAINFO_BLOB, &blob);
  }
  if (tls.client_certificate.empty()) return;
  set_option(easy, CURLOPT_SSLCERT, tls.client_certificate.c_str());
  set_option(easy, CURLOPT_SSLKEY, tls.client_key.c_str());
}

void Transfer::set_headers(const HttpRequest& request, bool with_authorization) {
  header_list_.reset();
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(header_list_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(header_list_.release());  // it is the head of `longer` now
    header_list_.reset(longer);
  };
  for (const std::string& line : request.headers) append(line);
  if (with_authorization && !request.authorization.empty()) append("Authorization: " + request.authorization);
  set_option(easy_.get(), CURLOPT_HTTPHEADER, header_list_.get());
}

void Transfer::set_content(const HttpRequest& request) {
  CURL* easy = easy_.get();
  if (const std::optional<std::string>& whole = request.form ? request.form : request.body) {
    set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(whole->size()));
    set_option(easy, CURLOPT_COPYPOSTFIELDS, whole->c_str());
  }
  if (request.stream) {
    set_option(easy, CURLOPT_UPLOAD, 1L);
    set_option(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.stream->size_bytes));
    set_option(easy, CURLOPT_UPLOAD_BUFFERSIZE, send_buffer_bytes);
    set_option(easy, CURLOPT_READFUNCTION, &Transfer::on_read);
    set_option(easy, CURLOPT_READDATA, static_cast<void*>(this));
  }
  if (request.method == "HEAD")
    set_option(easy, CURLOPT_NOBODY, 1L);
  else if (request.method != "GET")
    set_option(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method != "GET" && request.method != "HEAD")
    set_option(easy, CURLOPT_LOW_SPEED_TIME, answer_patience_seconds);
}

bool Transfer::take_header_line(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > max_header_bytes) {
    is_over_limit_ = true;
    return false;
  }
  line = base::trim(line);
  if (line.substr(0, 5) == "HTTP/") {  // a new block: the one before was an interim response
    headers_.clear();
    return true;
  }
  if (line.empty()) {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    status_ = static_cast<int>(status);
    has_headers_ = status_ >= 200;
    return true;
  }
  if (const auto field = base::split_once(line, ':'))
    headers_.emplace_back(base::to_lower(base::trim(field->first)), base::trim(field->second));
  return true;
}

std::size_t Transfer::on_header(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
  try {
    return static_cast<Transfer*>(self)->take_header_line({bytes, size * count}) ? size * count : 0;
  } catch (const std::exception&) {  // out of memory; libcurl is told, and ends the transfer
    return 0;
  }
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
  try {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.body_.size() >= max_waiting_bytes) {
      transfer.is_receiving_paused_ = true;  // libcurl keeps these bytes and hands them over again
      return CURL_WRITEFUNC_PAUSE;
    }
    transfer.body_.append(bytes, size * count);
    return size * count;
  } catch (const std::exception&) {  // out of memory, as above
    return 0;
  }
}

std::size_t Transfer::on_read(char* room, std::size_t size, std::size_t count, void* self) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(self);
  if (transfer.outgoing_.empty()) {
    transfer.is_sending_paused_ = true;
    return CURL_READFUNC_PAUSE;
  }
  const std::size_t taken = transfer.outgoing_.copy(room, size * count);
  transfer.outgoing_.remove_prefix(taken);
  return taken;
}

/// Whether the peer has closed its side, so that no answer can come. libcurl would go on to wait for room to send.
bool Transfer::has_peer_left() const {
  fd_set reading{}, writing{}, failing{};
  int highest = -1;
  if (curl_multi_fdset(multi_.get(), &reading, &writing, &failing, &highest) != CURLM_OK) return false;
  for (int fd = 0; fd <= highest; ++fd) {
    if (!FD_ISSET(fd, &writing) && !FD_ISSET(fd, &reading)) continue;
    pollfd peer{.fd = fd, .events = POLLRDHUP, .revents = 0};
    if (::poll(&peer, 1, 0) == 1 && (peer.revents & POLLRDHUP) != 0) return true;
  }
  return false;
}

std::uint64_t Transfer::sent_bytes() const {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  return static_cast<std::uint64_t>(sent);
}

void Transfer::give_up(int result) {
  is_done_ = true;
  result_ = result;
}

bool Transfer::send(std::string_view bytes) {
  using Clock = std::chrono::steady_clock;
  outgoing_ = bytes;
  if (is_sending_paused_) {
    is_sending_paused_ = false;
    if (curl_easy_pause(easy_.get(), CURLPAUSE_CONT) != CURLE_OK)
      throw base::Error(base::ErrorKind::internal, "going on with a transfer in libcurl");
  }
  std::uint64_t sent = sent_bytes();
  Clock::time_point last_progress = Clock::now();
  while (!outgoing_.empty() && !has_headers_ && !is_done_) {
    int running = 0;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK)
      throw base::Error(base::ErrorKind::internal, "running a transfer in libcurl");
    collect_result();
    if (!outgoing_.empty() && !has_headers_ && !is_done_) curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
    const Clock::duration waited = Clock::now() - last_progress;
    if (sent_bytes() != sent) {
      sent = sent_bytes();
      last_progress = Clock::now();
    } else if (waited >= std::chrono::seconds{1} && has_peer_left()) {
      give_up(CURLE_SEND_ERROR);
    } else if (waited >= send_limit_) {  // libcurl's own limit is more patient, for what follows
      give_up(CURLE_OPERATION_TIMEDOUT);
    }
  }
  const bool was_taken = outgoing_.empty();
  outgoing_ = {};
  return was_taken && !has_headers_ && !is_done_;
}

void Transfer::collect_result() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    is_done_ = true;
    result_ = message->data.result;
  }
}

/// Does what can be done now, and waits for the socket when that brought nothing.
void Transfer::advance() {
  const bool had_headers = has_headers_;
  int running = 0;
  if (curl_multi_perform(multi_.get(), &running) != CURLM_OK)
    throw base::Error(base::ErrorKind::internal, "running a transfer in libcurl");
  collect_result();
  if (is_done_ || !body_.empty() || has_headers_ != had_headers) return;
  curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
}

void Transfer::wait_for_headers() {
  // Headers that come byte by byte are fast enough for libcurl's limit of speed. What was sent may take its time.
  const auto deadline = std::chrono::steady_clock::now() + headers_limit_;
  while (!has_headers_ && !is_done_) {
    advance();
    if (!has_headers_ && !is_done_ && has_body_to_send_ && has_peer_left()) {
      advance();  // what it said before it left is still to be read
      if (!has_headers_ && !is_done_) give_up(CURLE_SEND_ERROR);
    }
    if (!has_headers_ && !is_done_ && !has_body_to_send_ && std::chrono::steady_clock::now() >= deadline)
      throw base::make_error(base::ErrorKind::network, url_.origin(), " is too slow: no answer after ",
                             headers_limit_.count(), " seconds")
          .with_code(ETIMEDOUT);
  }
  if (is_done_ && result_ != CURLE_OK && !has_headers_) fail(result_);
  if (!has_headers_) fail(CURLE_GOT_NOTHING);
}

std::string_view Transfer::read_chunk() {
  if (body_was_read_) {
    body_.clear();
    body_was_read_ = false;
    if (std::exchange(is_receiving_paused_, false)) curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
  }
  while (body_.empty() && !is_done_) advance();
  if (!body_.empty()) {
    body_was_read_ = true;
    return body_;
  }
  if (result_ != CURLE_OK) fail(result_);
  return {};
}

bool Transfer::is_peer_private() const {
  const char* address = nullptr;
  return curl_easy_getinfo(easy_.get(), CURLINFO_PRIMARY_IP, &address) != CURLE_OK || address == nullptr ||
         is_private_address(address);
}

void Transfer::stop() noexcept {
  if (is_running_) curl_multi_remove_handle(multi_.get(), easy_.get());
  is_running_ = false;
}

void Transfer::fail(int code) const {
  using base::ErrorKind;
  const std::string detail = clean_detail(error_buffer_.c_str(), static_cast<CURLcode>(code));
  const std::string place = url_.origin();
  if (is_over_limit_) throw base::make_error(ErrorKind::network, place, " sent too many header bytes");
  if (is_private_refused_) throw private_redirect(url_);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      throw unreachable(url_, detail, {});
    case CURLE_COULDNT_CONNECT:
      throw unreachable(url_, detail, connect_failure(easy_.get(), detail));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      throw base::make_error(ErrorKind::network, "no trusted connection to ", place, ": ", detail)
          .with_hint(tls_hint(tls_, detail))
          .with_code(code == CURLE_SSL_CONNECT_ERROR ? EPROTO : 0);
    case CURLE_OPERATION_TIMEDOUT:
      throw base::make_error(ErrorKind::network, place, " is too slow: ", detail).with_code(ETIMEDOUT);
    case CURLE_OUT_OF_MEMORY:
      throw base::make_error(ErrorKind::internal, "talking to ", place, ": ", detail);
    default:
      throw base::make_error(ErrorKind::network, "connection to ", place, " was cut: ", detail).with_code(ECONNRESET);
  }
}

}  // namespace registry
