#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "cmd/option_table.hpp"

namespace cmd {

enum class Format { people, json };

/// json, or a template whose fields the man page lists.
void declare_format_option(OptionTable& table, std::string& format);
/// The same where there is nothing but JSON and text for people.
void declare_plain_format_option(OptionTable& table, std::string& format);
/// For commands whose output has no fields to choose from: "" and "table" are for people, "json" is JSON.
/// @throws Error unsupported for templates.
Format parse_format(const std::string& format);

/// The first twelve digits of an id, or all of them.
std::string shown_id(const std::string& id, bool whole);

/// "2.13 MB", "53 kB", "9 B": three digits, as podman shows sizes of images and of the steps of their history.
std::string image_size(std::uint64_t bytes);

/// "5 minutes ago"
std::string time_ago(base::Time time);

/// Seconds since 1970.
std::int64_t unix_seconds(base::Time time);

/// `json` with line ends and so many blanks a level, as Go's MarshalIndent. `json` is valid.
std::string indented_json(std::string_view json, std::size_t blanks = 4);

/// What podman's inspect commands indent by.
constexpr std::size_t inspect_indent = 5;

}  // namespace cmd
