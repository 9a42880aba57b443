/* Whether a plan's offsets and counts stay inside its buffer. Read by the stubs before they use one, by the encoders
 * and by tests. C subset shared with C++: no allocation, no library. */
#ifndef ENGINE_STUB_PLAN_CHECK_H
#define ENGINE_STUB_PLAN_CHECK_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/plan.h"

/* `count` elements of `size` bytes at `offset`, aligned to `alignment`. An empty array may have any offset. */
static inline int plan_array_fits(uint64_t total, uint64_t offset, uint64_t count, uint64_t size, uint64_t alignment) {
  if (count == 0) return 1;
  if (offset == 0 || offset >= total || offset % alignment != 0) return 0;
  return count <= (total - offset) / size;
}

/* The last byte of the buffer is NUL (checked once), so an offset inside it is a string. */
static inline int plan_string_fits(uint64_t total, uint64_t offset) { return offset != 0 && offset < total; }

static inline uint32_t plan_load_u32(const unsigned char *bytes, uint64_t offset) {
  uint32_t value;
  __builtin_memcpy(&value, bytes + offset, sizeof value);
  return value;
}

static inline int plan_strings_fit(const unsigned char *bytes, uint64_t total, uint64_t offset, uint64_t count) {
  uint64_t index;
  if (!plan_array_fits(total, offset, count, sizeof(uint32_t), sizeof(uint32_t))) return 0;
  for (index = 0; index < count; index++)
    if (!plan_string_fits(total, plan_load_u32(bytes, offset + index * sizeof(uint32_t)))) return 0;
  return 1;
}

/* A descriptor that the program never gets, or -1. */
static inline int stage_fd_is_valid(const struct stage_plan *plan, int32_t fd) {
  return fd == -1 || (fd >= 0 && (uint32_t)fd >= 3 + plan->preserve_fds);
}

static inline int stage_hooks_are_valid(const unsigned char *bytes, uint64_t size, const struct stage_plan *plan) {
  uint32_t index;
  if (plan->hook_count == 0) return 1;
  if (plan->hook_count > 1024 || !plan_string_fits(size, plan->hook_state)) return 0;
  if (!plan_array_fits(size, plan->hooks, plan->hook_count, sizeof(struct stage_hook), 8)) return 0;
  for (index = 0; index < plan->hook_count; index++) {
    struct stage_hook hook;
    __builtin_memcpy(&hook, bytes + plan->hooks + index * sizeof hook, sizeof hook);
    if (!plan_string_fits(size, hook.path) || hook.argc == 0) return 0;
    if (!plan_strings_fit(bytes, size, hook.argv, hook.argc)) return 0;
    if (!plan_strings_fit(bytes, size, hook.envp, hook.envc)) return 0;
  }
  return 1;
}

static inline int stage_attributes_are_valid(uint64_t size, const struct stage_plan *plan) {
  if (plan->scheduler != 0 && !plan_array_fits(size, plan->scheduler, 1, sizeof(struct stage_scheduler), 8)) return 0;
  if (plan->affinity_words > 1024 || plan->node_words > 1024) return 0;
  if (!plan_array_fits(size, plan->affinity, plan->affinity_words, sizeof(uint64_t), 8)) return 0;
  return plan_array_fits(size, plan->nodes, plan->node_words, sizeof(uint64_t), 8);
}

static inline int stage_plan_is_valid(const unsigned char *bytes, uint64_t size) {
  struct stage_plan plan;
  if (size < sizeof plan + 1 || size > STAGE_PLAN_MAX_BYTES || bytes[size - 1] != 0) return 0;
  __builtin_memcpy(&plan, bytes, sizeof plan);
  if (plan.magic != STAGE_PLAN_MAGIC || plan.version != STAGE_PLAN_VERSION || plan.total_size != size) return 0;
  if (plan.preserve_fds > 1024 * 1024 || plan.report_fd < 3 + plan.preserve_fds || plan.report_fd > INT32_MAX) return 0;
  if (!stage_fd_is_valid(&plan, plan.start_fd) || !stage_fd_is_valid(&plan, plan.label_fd)) return 0;
  if (!stage_fd_is_valid(&plan, plan.agent_fd) || !stage_fd_is_valid(&plan, plan.join_fd)) return 0;
  if (plan.agent_fd != -1 && !plan_string_fits(size, plan.agent_state)) return 0;
  /* A listener that nobody gets would stop the program at its first call. */
  if (plan.agent_fd == -1 && (plan.seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) return 0;
  if (plan.argc == 0 || !plan_strings_fit(bytes, size, plan.argv, plan.argc)) return 0;
  if (!plan_strings_fit(bytes, size, plan.envp, plan.envc)) return 0;
  if (!plan_array_fits(size, plan.groups, plan.group_count, sizeof(uint32_t), sizeof(uint32_t))) return 0;
  if (!plan_array_fits(size, plan.rlimits, plan.rlimit_count, sizeof(struct stage_rlimit), 8)) return 0;
  if (!plan_array_fits(size, plan.seccomp, plan.seccomp_count, sizeof(struct sock_filter), 8)) return 0;
  if (plan.seccomp_count > BPF_MAXINSNS || plan.group_count > 65536 || plan.rlimit_count > 64) return 0;
  if (!stage_attributes_are_valid(size, &plan) || !stage_hooks_are_valid(bytes, size, &plan)) return 0;
  if (!plan_string_fits(size, plan.cwd) || !plan_string_fits(size, plan.search_path)) return 0;
  return plan.label_fd == -1 || (plan_string_fits(size, plan.label) && plan_string_fits(size, plan.label_file));
}

static inline int monitor_fd_is_valid(int32_t fd) { return fd == -1 || (fd >= 3 && fd < 1024 * 1024); }

static inline int monitor_plan_is_valid(const unsigned char *bytes, uint64_t size) {
  struct monitor_plan plan;
  if (size < sizeof plan + 1 || size > MONITOR_PLAN_MAX_BYTES || bytes[size - 1] != 0) return 0;
  __builtin_memcpy(&plan, bytes, sizeof plan);
  if (plan.magic != MONITOR_PLAN_MAGIC || plan.version != MONITOR_PLAN_VERSION || plan.total_size != size) return 0;
  if (plan.init_pid <= 1 || plan.stop_signal == 0 || plan.stop_signal > 64) return 0;
  if (!monitor_fd_is_valid(plan.init_pidfd) || !monitor_fd_is_valid(plan.terminal_fd)) return 0;
  if (!monitor_fd_is_valid(plan.stdin_fd) || !monitor_fd_is_valid(plan.stdout_fd)) return 0;
  if (!monitor_fd_is_valid(plan.stderr_fd) || !monitor_fd_is_valid(plan.log_fd)) return 0;
  if (!monitor_fd_is_valid(plan.listen_fd) || !monitor_fd_is_valid(plan.client_fd)) return 0;
  if (!monitor_fd_is_valid(plan.container_fd) || !monitor_fd_is_valid(plan.alive_fd)) return 0;
  if (!monitor_fd_is_valid(plan.network_exit_fd) || !monitor_fd_is_valid(plan.oom_fd)) return 0;
  if (!monitor_fd_is_valid(plan.log_directory_fd) || plan.log_max_files > MONITOR_MAX_LOG_FILES) return 0;
  if (!monitor_fd_is_valid(plan.first_pidfd)) return 0;
  if (!monitor_fd_is_valid(plan.journal_fd) || !monitor_fd_is_valid(plan.notify_fd)) return 0;
  if (plan.kill_after > MONITOR_MAX_MILLISECONDS || plan.check_interval > MONITOR_MAX_MILLISECONDS ||
      plan.check_soon > MONITOR_MAX_MILLISECONDS || plan.stop_patience > MONITOR_MAX_MILLISECONDS)
    return 0;
  if (plan.journal_fd != -1 &&
      (!plan_string_fits(size, plan.journal_path) || !plan_string_fits(size, plan.journal_fields)))
    return 0;
  if (plan.notify_fd != -1 && !plan_string_fits(size, plan.notify_path)) return 0;
  if (!plan_string_fits(size, plan.exit_name) || !plan_string_fits(size, plan.log_name)) return 0;
  if (plan.event_path != 0 &&
      (!plan_string_fits(size, plan.event_path) || !plan_string_fits(size, plan.event_head) ||
       !plan_string_fits(size, plan.event_name) || !plan_string_fits(size, plan.event_tail)))
    return 0;
  if (plan.cleanup_path == 0) return plan.cleanup_argc == 0 && plan.cleanup_envc == 0 && plan.check_argc == 0;
  return plan_string_fits(size, plan.cleanup_path) &&
         plan_strings_fit(bytes, size, plan.cleanup_argv, plan.cleanup_argc) &&
         plan_strings_fit(bytes, size, plan.check_argv, plan.check_argc) &&
         plan_strings_fit(bytes, size, plan.cleanup_envp, plan.cleanup_envc);
}

#endif
