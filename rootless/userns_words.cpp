#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "rootless/container_ids.hpp"
#include "rootless/id_ranges.hpp"

// The grammar of --userns, --uidmap and --gidmap.

namespace rootless {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::uint32_t most_ids = 0xffffffffU;

std::uint32_t parse_number(std::string_view text, std::string_view option, std::string_view word) {
  const auto number = base::parse_unsigned(text);
  if (number && *number < most_ids) return static_cast<std::uint32_t>(*number);
  throw make_error(ErrorKind::invalid_argument, option, ' ', quoted(word), ": ", quoted(text), " is not an id");
}

/// One word of --uidmap or --gidmap.
struct MapWord {
  IdRange range;
  bool extends = false;  ///< "+": on top of the default map.
  bool uids = false;     ///< "u"
  bool gids = false;     ///< "g"
};

MapWord parse_map_word(std::string_view option, const std::string& word, const std::vector<IdRange>& caller) {
  MapWord result;
  std::string_view text = word;
  for (; !text.empty() && (text[0] == '+' || text[0] == 'u' || text[0] == 'g'); text.remove_prefix(1)) {
    if (text[0] == '+') result.extends = true;
    if (text[0] == 'u') result.uids = true;
    if (text[0] == 'g') result.gids = true;
  }
  const std::vector<std::string_view> fields = base::split(text, ':');
  if (fields.size() < 2 || fields.size() > 3)
    throw make_error(ErrorKind::invalid_argument, option, ' ', quoted(word), " is not CONTAINER-ID:ID[:AMOUNT]");
  result.range.inside = parse_number(fields[0], option, word);
  result.range.count = fields.size() == 3 ? parse_number(fields[2], option, word) : 1;
  if (result.range.count == 0)
    throw make_error(ErrorKind::invalid_argument, option, ' ', quoted(word), ": the amount must not be 0");
  if (!fields[1].starts_with('@')) {
    result.range.outside = parse_number(fields[1], option, word);
    return result;
  }
  const std::uint32_t host_id = parse_number(fields[1].substr(1), option, word);
  const auto intermediate = map_in(caller, host_id);
  if (!intermediate)
    throw make_error(ErrorKind::unsupported, option, ' ', quoted(word), ": id ", host_id,
                     " of the host is not yours to use")
        .with_hint("it must be in a range of yours in /etc/subuid or /etc/subgid, or be your own");
  result.range.outside = *intermediate;
  return result;
}

/// The intermediate ids as they are, for words with "+" and for the list that no word is about.
std::vector<IdRange> all_of(const std::vector<IdRange>& caller) {
  std::vector<IdRange> all;
  for (const IdRange& range : caller) all.push_back({range.inside, range.inside, range.count});
  return canonical(std::move(all));
}

std::vector<IdRange> combine(const std::vector<MapWord>& words, const std::vector<IdRange>& caller) {
  std::vector<IdRange> plain, extra;
  for (const MapWord& word : words) (word.extends ? extra : plain).push_back(word.range);
  if (words.empty() || (plain.empty() && !extra.empty())) plain = all_of(caller);
  std::vector<IdRange> result = extra.empty() ? canonical(std::move(plain)) : extend(plain, extra);
  check_ranges(result);
  return result;
}

UsernsRequest parse_maps(const UsernsWords& words, const IdMap& caller) {
  std::vector<MapWord> uids, gids;
  for (const std::string& word : words.uid_maps) {
    const MapWord parsed = parse_map_word("--uidmap", word, caller.uids);
    const bool says = parsed.uids || parsed.gids;
    if (!says || parsed.uids) uids.push_back(parsed);
    // One list alone is meant for both, unless its flags say otherwise.
    if (says ? parsed.gids : words.gid_maps.empty()) gids.push_back(parse_map_word("--uidmap", word, caller.gids));
  }
  for (const std::string& word : words.gid_maps) {
    const MapWord parsed = parse_map_word("--gidmap", word, caller.gids);
    const bool says = parsed.uids || parsed.gids;
    if (!says || parsed.gids) gids.push_back(parsed);
    if (says ? parsed.uids : words.uid_maps.empty()) uids.push_back(parse_map_word("--gidmap", word, caller.uids));
  }
  return {.mode = UsernsRequest::Mode::mapped, .uids = combine(uids, caller.uids), .gids = combine(gids, caller.gids)};
}

void take_option(UsernsRequest& request, std::string_view option, const std::string& word, const IdMap& caller) {
  const auto refuse = [&] {
    return make_error(ErrorKind::invalid_argument, "--userns ", quoted(word),
                      ": unknown option specified: ", quoted(option));
  };
  const auto pair = base::split_once(option, '=');
  if (!pair) throw refuse();
  const std::string_view name = pair->first;
  const std::string value{pair->second};
  const bool keeps = request.mode == UsernsRequest::Mode::keep_id;
  if (name == "size") {
    request.size = parse_number(value, "--userns", word);
    if (*request.size == 0) throw make_error(ErrorKind::invalid_argument, "--userns ", quoted(word), ": size 0");
  } else if (keeps && name == "uid") {
    request.uid = parse_number(value, "--userns", word);
  } else if (keeps && name == "gid") {
    request.gid = parse_number(value, "--userns", word);
  } else if (!keeps && name == "uidmapping") {
    request.uids.push_back(parse_map_word("--userns", value, caller.uids).range);
  } else if (!keeps && name == "gidmapping") {
    request.gids.push_back(parse_map_word("--userns", value, caller.gids).range);
  } else {
    throw refuse();
  }
}

UsernsRequest parse_mode(const std::string& word, const IdMap& caller) {
  using Mode = UsernsRequest::Mode;
  const auto pair = base::split_once(word, ':');
  const std::string_view mode = pair ? pair->first : std::string_view{word};
  UsernsRequest request;
  if (mode == "container" || mode == "ns")
    throw make_error(ErrorKind::unsupported, "--userns ", quoted(word),
                     " cannot be configured for all containers, only asked for")
        .with_hint(base::concat("name it on the command line: engine run --userns ", word));
  if (mode == "private")
    throw make_error(ErrorKind::invalid_argument, "--userns private needs --uidmap or --gidmap, and those alone");
  if (mode == "keep-id")
    request.mode = Mode::keep_id;
  else if (mode == "auto")
    request.mode = Mode::automatic;
  else if (mode == "nomap")
    request.mode = Mode::nomap;
  else if (!mode.empty() && mode != "host")
    throw make_error(ErrorKind::invalid_argument, "--userns ", quoted(word), " is not a user namespace mode")
        .with_hint("modes are host, keep-id, auto, nomap");
  if (!pair) return request;
  if (request.mode == Mode::host || request.mode == Mode::nomap)
    throw make_error(ErrorKind::invalid_argument, "--userns ", mode, " has no options");
  for (const std::string_view option : base::split(pair->second, ',')) take_option(request, option, word, caller);
  return request;
}

}  // namespace

UsernsRequest parse_userns(const UsernsWords& words, const IdMap& caller) {
  const bool has_maps = !words.uid_maps.empty() || !words.gid_maps.empty();
  const bool has_names = !words.subuid_name.empty() || !words.subgid_name.empty();
  if ((!words.userns.empty() && (has_maps || has_names)) || (has_maps && has_names))
    throw make_error(ErrorKind::invalid_argument,
                     "--userns, --uidmap/--gidmap and --subuidname/--subgidname are mutually exclusive");
  if (has_maps) return parse_maps(words, caller);
  if (has_names) return {.mode = UsernsRequest::Mode::named};
  return parse_mode(words.userns, caller);
}

}  // namespace rootless
