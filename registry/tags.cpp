#include "registry/tags.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

/// The most that every registry accepts.
constexpr std::size_t page_entries = 1000;
constexpr std::size_t max_page_bytes = 32 * 1024 * 1024;
constexpr std::size_t max_name_bytes = 512;

/// What is to become a line of output, an argument of a script or part of a URL holds no blanks and no control bytes.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name_bytes &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::vector<std::string> names_of_page(HttpResponse& response, std::string_view key, std::string_view what) {
  const std::string body = response.read_all(max_page_bytes, what);
  const base::JsonAt page = base::JsonAt::parse(body, std::string{what}, {max_page_bytes, 8});
  std::vector<std::string> names = page.strings_or_empty(key);
  for (const std::string& name : names)
    if (!is_plain_name(name))
      throw base::make_error(base::ErrorKind::corrupt, what, " has the impossible name ", base::quoted(name));
  return names;
}

/// Collects one list. A page without a Link that is full is followed by asking for what comes after its last entry:
/// some registries know only that way.
class Pages {
 public:
  Pages(Repository& repository, std::string path, std::string_view key, std::string what, std::size_t limit)
      : repository_(repository), path_(std::move(path)), key_(key), what_(std::move(what)), limit_(limit) {}

  std::vector<std::string> all() {
    const std::size_t count = limit_ > 0 ? std::min(limit_, page_entries) : page_entries;
    std::string next = base::concat(path_, "?n=", count);
    while (!next.empty()) next = fetch(next, count);
    return std::move(names_);
  }

 private:
  /// Returns where the next page is.
  std::string fetch(const std::string& rest, std::size_t count) {
    HttpResponse response = repository_.request("GET", rest, {}, {200}, what_);
    std::string next = next_page(response);
    const std::vector<std::string> page = names_of_page(response, key_, what_);
    if (page.empty() || (!names_.empty() && page.front() == names_.front())) {
      // Either the end, or a registry that knows no pages and sends its first one again.
      return {};
    }
    names_.insert(names_.end(), page.begin(), page.end());
    if (names_.size() > max_names_in_a_list)
      throw base::make_error(base::ErrorKind::corrupt, what_, " has more than ", max_names_in_a_list, " entries");
    if (limit_ > 0 && names_.size() >= limit_) {
      names_.resize(limit_);
      return {};
    }
    if (next.empty() && page.size() == count)
      next = base::concat(path_, "?n=", count, "&last=", percent_encode(page.back()));
    return next == rest ? std::string{} : next;
  }

  Repository& repository_;
  std::string path_;
  std::string_view key_;
  std::string what_;
  std::size_t limit_;
  std::vector<std::string> names_;
};

}  // namespace

std::vector<std::string> list_tags(Repository& repository, std::size_t limit) {
  return Pages(repository, "tags/list", "tags", base::concat("list of tags of ", repository.reference().path()), limit)
      .all();
}

std::vector<std::string> list_repositories(Repository& repository, std::size_t limit) {
  return Pages(repository, "/v2/_catalog", "repositories", "list of repositories", limit).all();
}

}  // namespace registry
