#include "runtime/cgroup_limits.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/cgroup_device_filter.hpp"
#include "runtime/cgroup_devices.hpp"
#include "runtime/cgroup_folder.hpp"
#include "runtime/cgroup_settings.hpp"

namespace runtime {
namespace {

using base::concat;
using base::ErrorKind;
using base::quoted;

constexpr std::size_t max_id_map_bytes = 64 * 1024;

/// A setting, the folder that it belongs to, and what became of it.
struct Write {
  CgroupSetting setting;
  int folder = -1;
  std::string path;  // of the folder
  int code = 0;
};

std::vector<Write> choose_writes(const CgroupFolders& folders, const Resources& resources) {
  std::vector<Write> writes;
  for (CgroupSetting& setting : legacy_settings(resources)) {
    if (const LegacyFolder* legacy = folders.find_legacy(setting.controller))
      writes.push_back({std::move(setting), legacy->folder.get(), legacy->path});
  }
  const auto cpu_max = folders.unified ? try_read_control(folders.unified.get(), "cpu.max") : std::nullopt;
  for (CgroupSetting& setting : unified_settings(resources, cpu_max.value_or(""))) {
    if (setting.is_unified_key || folders.find_legacy(legacy_name_of(setting.controller)) == nullptr)
      writes.push_back({std::move(setting), folders.unified.get(), folders.unified_path});
  }
  return writes;
}

int write_setting(const Write& write) {
  const CgroupSetting& setting = write.setting;
  int code = write_control(write.folder, setting.file, setting.value);
  if (code == ENOENT && !setting.else_file.empty())
    code = write_control(write.folder, setting.else_file, setting.else_value);
  return code == ENOENT && setting.may_be_absent ? 0 : code;
}

/// Leaves in `writes` those that failed.
void write_until_settled(std::vector<Write>& writes) {
  const auto is_written = [](Write& write) {
    if (!write.setting.problem.empty()) return false;
    write.code = write.folder < 0 ? ENOENT : write_setting(write);
    return write.code == 0;
  };
  while (std::erase_if(writes, is_written) != 0) {
    const bool may_depend = std::any_of(writes.begin(), writes.end(),
                                        [](const Write& write) { return write.code == EINVAL || write.code == EBUSY; });
    if (!may_depend) return;
  }
}

bool has_word(std::string_view list, std::string_view word) {
  const auto words = base::split(base::trim(list), ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string reason_of(const Write& write, const LimitsPolicy& policy) {
  const CgroupSetting& setting = write.setting;
  if (!setting.problem.empty()) return setting.problem;
  if (write.folder < 0) {
    if (!policy.why_no_folder.empty()) return policy.why_no_folder;
    return concat("the ", setting.controller, " controller is mounted in no cgroup hierarchy");
  }
  if (write.code == ENOENT && !setting.controller.empty()) {
    for (const auto& [controller, problem] : policy.problems) {
      if (controller == setting.controller) return problem;
    }
    const auto available = try_read_control(write.folder, "cgroup.controllers");
    if (available && !has_word(*available, setting.controller))
      return concat("cgroup ", quoted(write.path), " does not have the ", setting.controller, " controller");
    return concat("this kernel has no ", quoted(setting.file));
  }
  return base::error_from_code(write.code, concat("writing ", quoted(setting.value), " to ",
                                                  quoted(concat(write.path, "/", setting.file))))
      .message();
}

base::Error failure(const Write& write, const std::string& reason) {
  const bool is_absent = !write.setting.problem.empty() || write.folder < 0 || write.code == ENOENT;
  ErrorKind kind = is_absent ? ErrorKind::unsupported : base::kind_of_errno(write.code);
  if (kind == ErrorKind::internal) kind = ErrorKind::invalid_argument;  // the kernel did not like the value
  base::Error error = base::make_error(kind, "setting linux.resources.", write.setting.field, ": ", reason);
  return is_absent ? std::move(error) : std::move(error).with_code(write.code);
}

bool is_in_user_namespace() {
  const auto map = base::try_read_file(AT_FDCWD, "/proc/self/uid_map", max_id_map_bytes);
  if (!map) return false;
  std::vector<std::string_view> words = base::split(base::trim(*map), ' ');
  std::erase(words, std::string_view{});
  return words.size() != 3 || words[0] != "0" || words[1] != "0" || words[2] != "4294967295";
}

}  // namespace

const LegacyFolder* CgroupFolders::find_legacy(std::string_view controller) const {
  for (const LegacyFolder& entry : legacy) {
    if (std::find(entry.controllers.begin(), entry.controllers.end(), controller) != entry.controllers.end())
      return &entry;
  }
  return nullptr;
}

bool is_refusal(int code) noexcept {
  return code == EACCES || code == EPERM || code == EROFS || code == ENOENT || code == EOPNOTSUPP;
}

std::vector<LimitLeftOut> write_limits(const CgroupFolders& folders, const Resources& resources,
                                       const LimitsPolicy& policy) {
  std::vector<Write> writes = choose_writes(folders, resources);
  write_until_settled(writes);
  std::vector<LimitLeftOut> left_out;
  for (const Write& write : writes) {
    const std::string reason = reason_of(write, policy);
    const bool is_refused = !write.setting.problem.empty() || is_refusal(write.code);
    if (!policy.is_rootless || !is_refused) throw failure(write, reason);
    left_out.push_back({write.setting.field, reason});
  }
  return left_out;
}

void write_device_rules(const CgroupFolders& folders, const std::vector<DeviceRule>& rules, bool is_rootless,
                        bool is_new) {
  if (is_rootless || (is_new && allows_everything(rules))) return;
  if (const LegacyFolder* legacy = folders.find_legacy("devices")) {
    for (const DeviceWrite& write : device_writes(rules)) {
      const int code = write_control(legacy->folder.get(), write.file, write.value);
      if (code == EPERM && is_in_user_namespace()) return;
      if (code != 0)
        throw base::error_from_code(
            code, concat("writing ", quoted(write.value), " to ", quoted(concat(legacy->path, "/", write.file))));
    }
    return;
  }
  if (!folders.unified) return;
  const int code = attach_device_program(folders.unified.get(), device_program(rules));
  if (code == 0 || (code == EPERM && is_in_user_namespace())) return;
  throw base::error_from_code(code, concat("attaching the device program to cgroup ", quoted(folders.unified_path)));
}

std::string describe(const std::vector<LimitLeftOut>& left_out) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const LimitLeftOut& limit : left_out) {
    const auto known = std::find_if(by_reason.begin(), by_reason.end(),
                                    [&](const auto& entry) { return entry.first == limit.reason; });
    if (known == by_reason.end()) {
      by_reason.push_back({limit.reason, {limit.field}});
    } else if (std::find(known->second.begin(), known->second.end(), limit.field) == known->second.end()) {
      known->second.push_back(limit.field);
    }
  }
  std::vector<std::string> parts;
  for (const auto& [reason, fields] : by_reason) parts.push_back(concat(base::join(fields, ", "), " (", reason, ")"));
  return base::join(parts, "; ");
}

}  // namespace runtime
