#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/stream.hpp"
#include "registry/network_limits.hpp"
#include "registry/url.hpp"

struct curl_slist;

// libcurl behind RAII: one exchange, no redirects, no decisions. http_client.hpp is what others use.

namespace registry {

inline constexpr std::size_t max_header_bytes = 96 * 1024;

struct TlsSettings {
  bool verify = true;
  std::string authorities;         ///< PEM text, trusted in addition to the system's; may be empty.
  std::string client_certificate;  ///< Path of a PEM file; may be empty.
  std::string client_key;          ///< Path of a PEM file; may be empty.
  std::string advice_folder;       ///< Where a CA file would be looked for; for the hint of a failed check.
};

struct HttpSettings {
  std::string user_agent = "engine";
  NetworkLimits limits = {};
};

/// What a request sends, written piece by piece as fast as the peer takes it.
struct HttpBody {
  std::uint64_t size_bytes = 0;
  std::function<void(base::Sink& sink)> write;  ///< Called once a request that is sent; writes size_bytes.
};

struct HttpRequest {
  std::string method = "GET";  ///< GET and HEAD follow redirects.
  Url url;
  std::vector<std::string> headers;  ///< "Name: value"; never Authorization.
  std::string authorization;         ///< Value of Authorization; goes to the origin of `url` only. May be empty.
  std::optional<std::string> form;   ///< Makes it a POST of application/x-www-form-urlencoded.
  std::optional<std::string> body;   ///< Sent whole; its Content-Type is one of `headers`.
  std::optional<HttpBody> stream;    ///< Sent as it is written; likewise.
  TlsSettings tls;                   ///< Also for the targets of redirects.
  std::chrono::seconds deadline{0};  ///< For the whole exchange; 0: none beyond the low-speed limit.
};

/// One easy handle inside a multi handle of its own: the multi handle keeps the connections for the next exchange, and
/// lets us stop reading without a callback that blocks. libcurl knows its address, so it never moves.
class Transfer {
 public:
  Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { stop(); }

  /// Where a request goes: its own URL, or where it was redirected to.
  struct Hop {
    Url url;
    bool with_authorization = true;
    bool public_only = false;  ///< Addresses of this machine and of private networks are not connected to.
  };
  /// Begins `request`, but at `hop`. Whatever went before is forgotten.
  void start(const HttpSettings& settings, const HttpRequest& request, const Hop& hop);
  /// Sends the next piece of the request's stream. False: the peer has answered, or the connection is cut, before it
  /// had all; wait_for_headers says which.
  bool send(std::string_view bytes);
  /// @throws Error network.
  void wait_for_headers();
  /// The next piece of the body, valid until the next call; empty at its end. @throws Error network.
  std::string_view read_chunk();
  /// Forgets the exchange. A connection whose body was read to its end stays open.
  void stop() noexcept;

  int status() const noexcept { return status_; }
  /// Whether who answered (a proxy, where there is one) is this machine or in a private network. After the headers.
  bool is_peer_private() const;
  /// In order, names in lower case.
  const std::vector<std::pair<std::string, std::string>>& headers() const noexcept { return headers_; }

 private:
  struct EasyDeleter {
    void operator()(void* handle) const noexcept;
  };
  struct MultiDeleter {
    void operator()(void* handle) const noexcept;
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const noexcept;
  };
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_read(char* room, std::size_t size, std::size_t count, void* self) noexcept;
  void set_fixed_options(const HttpSettings& settings);
  void set_tls(const TlsSettings& tls);
  void set_headers(const HttpRequest& request, bool with_authorization);
  void set_content(const HttpRequest& request);
  bool has_peer_left() const;
  std::uint64_t sent_bytes() const;
  void give_up(int result);
  bool take_header_line(std::string_view line);
  void advance();
  void collect_result();
  [[noreturn]] void fail(int code) const;

  std::unique_ptr<void, MultiDeleter> multi_;
  std::unique_ptr<void, EasyDeleter> easy_;
  std::unique_ptr<curl_slist, ListDeleter> header_list_;
  bool is_running_ = false;
  bool has_headers_ = false;
  bool is_done_ = false;
  bool is_over_limit_ = false;
  bool is_private_refused_ = false;
  std::chrono::seconds headers_limit_{0};
  bool has_body_to_send_ = false;
  int result_ = 0;  ///< CURLcode
  int status_ = 0;
  std::size_t header_bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;  ///< What arrived and was not read yet.
  bool body_was_read_ = false;
  bool is_receiving_paused_ = false;
  std::string_view outgoing_;  ///< What the peer has not taken yet of the piece that send() is given.
  bool is_sending_paused_ = false;
  std::chrono::seconds send_limit_{0};  ///< A peer that takes nothing for this long is given up.
  Url url_;
  TlsSettings tls_;
  std::string authorities_;
  std::string error_buffer_;
};

/// What helps against a failed TLS connection.
std::string tls_hint(const TlsSettings& tls, std::string_view detail);
/// The error for a registry that cannot be found, or, with a `reason`, not be connected to; or its proxy.
/// @param detail  libcurl's words, which name whom it meant.
base::Error unreachable(const Url& url, const std::string& detail, const std::string& reason);
/// The error for a redirect that would lead into a private network.
base::Error private_redirect(const Url& target);
/// Whether a failure may pass: a cut or stalled connection. Not: a refused one, name resolution, TLS, limits.
bool is_transient(const base::Error& error);
/// Whether the peer could not be spoken to at all by TLS: it refused, cut, or does not speak TLS.
bool may_speak_plain_http(const base::Error& error);

}  // namespace registry
