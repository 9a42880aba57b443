/* Entering a running container in the last stage (stage.c), which was executed outside; see stage_plan::join_fd. Needs
 * plan, fail, must and string_at of stage.c. */
#ifndef ENGINE_STUB_JOIN_H
#define ENGINE_STUB_JOIN_H

/* As the parent of the runtime sees us. */
static uint32_t own_pid_outside;

static void forbid_tracing(void) {
  syscall2(__NR_prctl, PR_SET_DUMPABLE, 0);
}

static size_t write_decimal(char* to, uint32_t value) {
  char digits[10];
  size_t count = 0, index;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  for (index = 0; index < count; index++) to[index] = digits[count - 1 - index];
  return count;
}

static void set_oom_score(void) {
  char text[12];
  size_t length = 0;
  const int32_t score = plan->oom_score;
  long fd;
  if (!has_flag(STAGE_SET_OOM_SCORE)) return;
  if (score < 0) text[length++] = '-';
  length += write_decimal(text + length, score < 0 ? 0u - (uint32_t)score : (uint32_t)score);
  /* Only a dumpable process's files are its own, and nobody in the container can see us yet. */
  syscall2(__NR_prctl, PR_SET_DUMPABLE, 1);
  fd = syscall4(__NR_openat, AT_FDCWD, ptr("/proc/self/oom_score_adj"), O_WRONLY | O_CLOEXEC, 0);
  forbid_tracing();
  must(STAGE_STEP_OOM_SCORE, fd);
  must(STAGE_STEP_OOM_SCORE, syscall3(__NR_write, fd, ptr(text), (long)length));
  syscall1(__NR_close, fd);
}

/* The map may have no 0. Whoever joins a user namespace has all capabilities there, whatever its id. */
static void become_container_root(void) {
  long result = syscall3(__NR_setresgid, 0, 0, 0);
  if (result != -EINVAL) must(STAGE_STEP_JOIN, result);
  forbid_tracing();
  result = syscall3(__NR_setresuid, 0, 0, 0);
  if (result != -EINVAL) must(STAGE_STEP_JOIN, result);
  forbid_tracing(); /* the kernel sets fs.suid_dumpable when ids or capabilities change */
}

/* In the successor, which goes on only when its pid was told: nobody would wait for it otherwise. */
static void learn_own_pid(const int* pipe) {
  long got;
  syscall1(__NR_close, pipe[1]);
  do got = syscall3(__NR_read, pipe[0], ptr(&own_pid_outside), sizeof own_pid_outside);
  while (got == -EINTR);
  if (got != sizeof own_pid_outside) fail(STAGE_STEP_JOIN, -EPIPE);
  syscall1(__NR_close, pipe[0]);
}

static _Noreturn void tell_of_successor(long pid, const int* pipe) {
  const struct stage_report report = {STAGE_STEP_JOINED, (int32_t)pid, 0, 0};
  const uint32_t told = (uint32_t)pid;
  if (syscall3(__NR_write, plan->report_fd, ptr(&report), sizeof report) == sizeof report)
    syscall3(__NR_write, pipe[1], ptr(&told), sizeof told);
  exit_now(0);
}

static void join_container(void) {
  int pipe[2];
  long pid;
  own_pid_outside = plan->agent_pid;
  if (plan->join_fd < 0) return;
  must(STAGE_STEP_JOIN, syscall2(__NR_pipe2, ptr(pipe), O_CLOEXEC));
  /* All at once: the kernel checks each against the rights that we have in the container's user namespace. */
  must(STAGE_STEP_JOIN, syscall2(__NR_setns, plan->join_fd, plan->join_namespaces));
  forbid_tracing();
  become_container_root();
  syscall1(__NR_close, plan->join_fd);
  pid = syscall5(__NR_clone, CLONE_PARENT, 0, 0, 0, 0);
  must(STAGE_STEP_JOIN, pid);
  if (pid != 0) tell_of_successor(pid, pipe);
  learn_own_pid(pipe);
}

#endif
