#pragma once

#include <string>
#include <string_view>

namespace registry_test {

/// A tar archive written by hand, entry by entry.
class SmallTar {
 public:
  SmallTar& file(const std::string& name, std::string_view bytes);
  SmallTar& symbolic_link(const std::string& name, const std::string& target);
  SmallTar& hard_link(const std::string& name, const std::string& target);
  SmallTar& directory(const std::string& name);
  /// A header of any type, followed by `bytes`; the size field says `size_field`, or the size of `bytes` when negative.
  SmallTar& entry(const std::string& name, char type, const std::string& link, std::string_view bytes,
                  long long size_field = -1);
  /// A pax header for the next entry.
  SmallTar& pax(const std::string& key, const std::string& value);
  /// With the two empty blocks at its end.
  std::string bytes() const;
  /// As it stands, without an end.
  const std::string& unfinished() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace registry_test
