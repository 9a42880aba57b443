#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/oci/reference.hpp"
#include "registry/client.hpp"
#include "registry/endpoint.hpp"

namespace registry {

/// One repository for everything but the transfer of images: its tags, what a tag means, what refers to an image.
class Repository {
 public:
  enum class Use {
    reading,        ///< Mirrors of registries.conf first, as for a pull.
    changing,       ///< Only the registry itself, as somebody who may delete.
    whole_registry  ///< Not this repository, but the list of them all.
  };
  Repository(const oci::Reference& reference, const RegistryOptions& options, Use use, Sleeper sleeper = sleep_really);

  /// As the user means it; a mirror may have another name for it.
  const oci::Reference& reference() const noexcept { return reference_; }

  /// Sends one request, again after failures that may pass, and to the next place when one fails. `rest` as for
  /// Endpoint::send.
  /// @param accepted  Statuses that are an answer; any other is an Error. 404 means not_found.
  /// @param what      What was asked for, in errors: "tags of a/b".
  HttpResponse request(std::string_view method, std::string_view rest, const std::vector<std::string>& headers,
                       const std::vector<int>& accepted, std::string_view what);

 private:
  HttpResponse request_at(Endpoint& endpoint, std::string_view method, std::string_view rest,
                          const std::vector<std::string>& headers, const std::vector<int>& accepted,
                          std::string_view what);

  oci::Reference reference_;
  RegistryOptions options_;
  RegistryOptions mirror_options_;  ///< --creds is for the registry that the user named.
  Sleeper sleeper_;
  HttpClient http_;
  std::vector<std::unique_ptr<Endpoint>> places_;
  std::size_t good_place_ = 0;  ///< What answered stays the one that is asked: pages belong together.
};

/// The path and query of the "next" page that Link headers name; empty on the last page.
/// @throws Error network, when it is at another origin than the response.
/// Source: RFC 8288; OCI distribution-spec "Listing Tags".
std::string next_page(const HttpResponse& response);
/// Pure. The target of the link with rel="next"; empty when there is none.
std::string next_link_of(std::string_view header);

}  // namespace registry
