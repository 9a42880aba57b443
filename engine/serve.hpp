#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/context.hpp"
#include "engine/remote.hpp"

// serve: the store, or another registry through a cache, as a registry that is only read. Only in engine-transfer.

namespace engine {

struct ServeOptions {
  std::string address = "127.0.0.1:5000";  ///< "ADDRESS:PORT", "[::1]:5000", ":5000", "5000"; port 0: any.
  std::string certificate, key;            ///< PEM files; both or none.
  std::string pull_through;                ///< A registry: what it has is fetched, checked, kept and served.
  std::string cache;                       ///< Where it is kept; empty: a folder in the user's cache.
  std::string cache_size = "32g";          ///< What is kept there; "0": no limit.
  unsigned max_connections = 64;
  /// Of one IP address; 0: a quarter of them all, or no limit where only this machine can connect.
  unsigned max_connections_per_address = 0;
  RemoteOptions remote;  ///< For pull_through. Without credentials of its own nobody's are used.
};

/// Serves until SIGINT or SIGTERM. @param on_ready  Told the URL, when connections are accepted.
void serve(Engine& engine, const ServeOptions& options, const std::function<void(const std::string& url)>& on_ready);

}  // namespace engine
