// Runs a program under a filter that makes system calls fail, as kernels that lack them do.
//
//   deny CALL[,CALL...] PROGRAM [ARG...]
//
// CALL is the name of a system call, which then fails with ENOSYS, or one of
//   overlay-fds     descriptors as options of file systems: EINVAL, as overlayfs of Linux 6.5 to 6.12 answers
//   overlay-append  the same: EOPNOTSUPP, as before Linux 6.5
// The filter stays on all that the program starts. As root it is set without no-new-privileges, so that set-id helpers
// still work.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof array / sizeof *array)

enum { fsconfig_set_fd = 5, most_instructions = 256 };

static const struct { const char *name; int number; } calls[] = {
    {"mount_setattr", SYS_mount_setattr}, {"fsopen", SYS_fsopen},           {"fspick", SYS_fspick},
    {"fsmount", SYS_fsmount},             {"fsconfig", SYS_fsconfig},       {"open_tree", SYS_open_tree},
    {"move_mount", SYS_move_mount},       {"close_range", SYS_close_range}, {"openat2", SYS_openat2},
    {"clone3", SYS_clone3},               {"pidfd_open", SYS_pidfd_open},
};

static struct sock_filter code[most_instructions];
static unsigned short length = 0;

static void add(struct sock_filter instruction) {
  code[length++] = instruction;
}

static void add_errno(int number, int error) {
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1));
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

static int deny(const char *name) {
  if (strcmp(name, "overlay-fds") == 0 || strcmp(name, "overlay-append") == 0) {
    const unsigned error = strcmp(name, "overlay-fds") == 0 ? EINVAL : EOPNOTSUPP;
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsconfig, 0, 4));
    add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fsconfig_set_fd, 0, 1));
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
    add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    return 0;
  }
  for (size_t i = 0; i < COUNT(calls); i++) {
    if (strcmp(name, calls[i].name) != 0) continue;
    add_errno(calls[i].number, ENOSYS);
    return 0;
  }
  fprintf(stderr, "deny: no such call: %s\n", name);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ","))
    if (deny(name) != 0) return 2;
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const struct sock_fprog program = {length, code};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
      perror("deny: seccomp");
      return 2;
    }
  }
  execv(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
