/* What the last stage (stage.c) gives to the program's user: its standard streams and HOME. Needs plan, has_flag, must
 * and program_envp of stage.c. */
#ifndef ENGINE_STUB_BELONGINGS_H
#define ENGINE_STUB_BELONGINGS_H

#include "runtime/stub/home.h"

/* Where the ids are not mapped the owner stays, which only costs the program its /dev/stdout. */
static void give_streams(void) {
  for (long fd = 0; fd < 3; fd++)
    if ((plan->owned_streams >> fd & 1) != 0) syscall3(__NR_fchown, fd, plan->uid, -1);
}

static size_t read_passwd(char* to, size_t size) {
  struct statx status;
  size_t used = 0;
  /* O_NONBLOCK: the container may have put a FIFO there. */
  const long fd = syscall4(__NR_openat, AT_FDCWD, ptr("/etc/passwd"), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0) return 0;
  if (syscall5(__NR_statx, fd, ptr(""), AT_EMPTY_PATH, STATX_TYPE, ptr(&status)) == 0 &&
      (status.stx_mode & S_IFMT) == S_IFREG)
    while (used < size) {
      const long got = syscall3(__NR_read, fd, ptr(to + used), (long)(size - used));
      if (got <= 0 && got != -EINTR) break;
      if (got > 0) used += (size_t)got;
    }
  syscall1(__NR_close, fd);
  return used;
}

/* Programs rely on HOME, and config.json may leave it out: from the container's /etc/passwd, as with runc and crun. */
static void add_home(void) {
  enum { MAX_PASSWD_BYTES = 1 << 20, MAX_HOME_BYTES = 4096 };
  static char entry[5 + MAX_HOME_BYTES + 1]; /* not in the file, as long as it is all zero */
  const char* home;
  size_t length = 0;
  long passwd;
  if (!has_flag(STAGE_ADD_HOME)) return;
  memcpy(entry, "HOME=/", 6);
  program_envp[plan->envc] = entry;
  passwd = syscall6(__NR_mmap, 0, MAX_PASSWD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(STAGE_STEP_PLAN, passwd);
  home = passwd_home((const char*)(uintptr_t)passwd, read_passwd((char*)(uintptr_t)passwd, MAX_PASSWD_BYTES), plan->uid,
                     &length);
  if (home != 0 && length <= MAX_HOME_BYTES) memcpy(entry + 5, home, length);
  syscall2(__NR_munmap, passwd, MAX_PASSWD_BYTES);
}

#endif
