#pragma once

#include <string>

#include "engine/context.hpp"

namespace engine {

/// No file that is fetched for a command is longer.
inline constexpr std::size_t max_fetched_bytes = 1 << 20;

bool is_url(const std::string& place);

/// The file behind an http or https URL, fetched by a child. Redirects are followed, but never from https to http.
/// @throws Error network, without words of its own when the child has told the user.
std::string fetch_file(const Engine& engine, const std::string& url);

/// `engine-transfer _fetch URL`: that child; the file goes to standard output. Returns the exit code.
int fetch_for_parent(Engine& engine, const std::string& url);

}  // namespace engine
