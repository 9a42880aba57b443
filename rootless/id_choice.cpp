#include "rootless/id_choice.hpp"

#include "base/text.hpp"

namespace rootless {
namespace {

constexpr std::uint32_t usual_range = 65536;

IdChoice single_choice(const IdCircumstances& who, std::string reason, std::string hint) {
  return {single_map(who.uid, who.gid), std::move(reason), std::move(hint)};
}

std::string range_hint(const IdCircumstances& who) {
  const std::uint32_t first = who.free_subid;
  const std::string range = base::concat(first, '-', first + usual_range - 1);
  return base::concat("as root: usermod --add-subuids ", range, " --add-subgids ", range, ' ', who.user_name,
                      "; or add the line \"", who.user_name, ':', first, ':', usual_range,
                      "\" to /etc/subuid and /etc/subgid");
}

IdChoice without_range(const IdCircumstances& who) {
  const char* file = !who.subordinate.uids.empty()   ? "/etc/subgid"
                     : !who.subordinate.gids.empty() ? "/etc/subuid"
                                                     : "/etc/subuid and /etc/subgid";
  return single_choice(who, base::concat("no range for ", base::quoted(who.user_name), " in ", file), range_hint(who));
}

}  // namespace

IdChoice choose_id_map(const IdCircumstances& who) {
  if (who.may_write_any_map) {
    IdChoice choice{.map = identity_map(who.available_uids, who.available_gids)};
    if (choice.map.single) choice.single_reason = "this process runs in a user namespace with one id only";
    return choice;
  }
  if (!who.helper_problem.empty()) {
    return single_choice(who, who.helper_problem,
                         "install newuidmap and newgidmap setuid root (Debian: uidmap, Fedora: shadow-utils)");
  }
  if (who.subordinate.uids.empty() || who.subordinate.gids.empty()) return without_range(who);
  const std::vector<SubidRange> uids = intersect(who.subordinate.uids, who.available_uids);
  const std::vector<SubidRange> gids = intersect(who.subordinate.gids, who.available_gids);
  IdChoice choice{.map = default_map(who.uid, who.gid, uids, gids)};
  if (choice.map.single) {
    choice.single_reason = "the ranges in /etc/subuid and /etc/subgid do not exist in this user namespace";
    choice.single_hint = "give the surrounding container more ids, or write smaller ids in these files";
  }
  return choice;
}

}  // namespace rootless
