// What hostile programs do, for the tests of tests/hardening. It never touches anything that its command line does not name.
//
//   attacker exchange A B [A B ...]   exchanges the names A and B until SIGTERM, then prints how often
//   attacker flip PATH TARGET         makes PATH a directory, then a link to TARGET, and so on, until SIGTERM
//   attacker steal                    tries to open what belongs to every other process in /proc until SIGTERM,
//                                     says when it has looked at all of them once, and prints what it found
//   attacker inject                   types into the terminal of its caller with TIOCSTI and TIOCLINUX
//   attacker key NAME                 looks for a key of type "user" in all keyrings it can name
//   attacker keep-key NAME            puts such a key into its session keyring
//   attacker chase PID                makes processes until one has the number PID, which then waits
//
// "ready" on standard output says that the work has begun.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t is_over = 0;

static void end(int signal) {
  (void)signal;
  is_over = 1;
}

static void begin(void) {
  const struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  puts("ready");
  fflush(stdout);
}

static int exchange(char **names) {
  long count = 0;
  begin();
  while (!is_over) {
    for (char **pair = names; pair[0] != NULL && pair[1] != NULL; pair += 2)
      if (syscall(SYS_renameat2, AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE) == 0) count++;
  }
  printf("%ld\n", count);
  return 0;
}

static int flip(const char *path, const char *target) {
  long count = 0;
  begin();
  while (!is_over) {
    unlink(path);
    mkdir(path, 0755);
    rmdir(path);
    if (symlink(target, path) == 0) count++;
  }
  printf("%ld\n", count);
  return 0;
}

// --- steal ---

enum { most_finds = 256 };
static char *finds[most_finds];
static long refused = 0;

static void found(const char *what, const char *target) {
  char line[PATH_MAX + 64];
  snprintf(line, sizeof line, "%s %s", what, target);
  for (int i = 0; i < most_finds; i++) {
    if (finds[i] == NULL) {
      finds[i] = strdup(line);
      return;
    }
    if (strcmp(finds[i], line) == 0) return;
  }
}

// What a link of /proc leads to; whatever opens is kept open, and tried again for writing later.
static void try_link(const char *kind, const char *path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path, target, sizeof target - 1);
  if (length < 0) {
    if (errno == EACCES || errno == EPERM) refused++;
    return;
  }
  target[length] = 0;
  found(kind, target);
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  // The container's own programs are there by name, and are left as they are.
  if (strcmp(kind, "exe") == 0 && access(target, F_OK) != 0) {
    char again[64];
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    const int writable = open(again, O_WRONLY | O_CLOEXEC);
    if (writable >= 0) {
      found("writable", target);
      if (write(writable, "x", 1) == 1) found("overwritten", target);
      close(writable);
    }
  }
  close(fd);
}

// Memory of a process that executed another program between the two looks is that program's, and is left out.
static void try_memory(const char *path, const char *exe_path, const char *exe) {
  char later[PATH_MAX];
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    if (exe[0] == '/' || readlink(exe_path, later, sizeof later) < 0) found("mem", exe);
    close(fd);
  } else if (errno == EACCES || errno == EPERM) {
    refused++;
  }
}

static void try_process(const char *pid) {
  char path[PATH_MAX], exe_path[PATH_MAX], exe[PATH_MAX] = "(unreadable)";
  snprintf(exe_path, sizeof exe_path, "/proc/%s/exe", pid);
  const ssize_t length = readlink(exe_path, exe, sizeof exe - 1);
  if (length >= 0) exe[length] = 0;
  try_link("exe", exe_path);
  snprintf(path, sizeof path, "/proc/%s/cwd", pid);
  try_link("cwd", path);
  snprintf(path, sizeof path, "/proc/%s/mem", pid);
  try_memory(path, exe_path, exe);
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR *fds = opendir(path);
  if (fds == NULL) {
    if (errno == EACCES || errno == EPERM) refused++;
    return;
  }
  for (struct dirent *entry; (entry = readdir(fds)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
    try_link("fd", path);
  }
  closedir(fds);
}

static int steal(void) {
  const long self = getpid();
  long seen = 0, newest = self, passes = 0;
  begin();
  while (!is_over) {
    DIR *all = opendir("/proc");
    if (all == NULL) return 1;
    for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
      const long pid = strtol(entry->d_name, NULL, 10);
      if (pid <= 1 || pid == self) continue;
      if (pid > newest) {
        newest = pid;
        seen++;
      }
      try_process(entry->d_name);
    }
    closedir(all);
    if (passes++ == 0) {
      puts("looked at all once");
      fflush(stdout);
    }
  }
  printf("seen %ld\nrefused %ld\n", seen, refused);
  for (int i = 0; i < most_finds && finds[i] != NULL; i++) puts(finds[i]);
  return 0;
}

// --- the terminal, keys, numbers of processes ---

static int inject(void) {
  static const struct { const char *name; unsigned long request; } requests[] = {
      {"TIOCSTI", TIOCSTI},
      {"TIOCSTI with high bits", TIOCSTI | 1UL << 32},
      {"TIOCLINUX", TIOCLINUX},
      {"TIOCLINUX with high bits", TIOCLINUX | 1UL << 32},
  };
  char letter = '!';
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    const long result = syscall(SYS_ioctl, 0, requests[i].request, &letter);
    printf("%s %s\n", requests[i].name, result == 0 ? "done" : strerror(errno));
  }
  return 0;
}

static int find_key(const char *name) {
  static const struct { const char *name; int32_t id; } rings[] = {
      {"thread", KEY_SPEC_THREAD_KEYRING},     {"process", KEY_SPEC_PROCESS_KEYRING},
      {"session", KEY_SPEC_SESSION_KEYRING},   {"user", KEY_SPEC_USER_KEYRING},
      {"user session", KEY_SPEC_USER_SESSION_KEYRING},
  };
  for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
    const long key = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i].id, "user", name, 0);
    printf("%s %s\n", rings[i].name, key >= 0 ? "found" : "nothing");
  }
  return 0;
}

static int keep_key(const char *name) {
  const long key = syscall(SYS_add_key, "user", name, "secret", 6, KEY_SPEC_SESSION_KEYRING);
  puts(key >= 0 ? "kept" : strerror(errno));
  return key >= 0 ? 0 : 1;
}

static int chase(pid_t wanted) {
  for (;;) {
    const pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid == 0) {
      if (getpid() != wanted) _exit(0);
      puts("ready");
      fflush(stdout);
      for (;;) pause();
    }
    int status = 0;
    if (pid == wanted) return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 0;
    waitpid(pid, &status, 0);
  }
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  if (strcmp(verb, "exchange") == 0 && argc > 3) return exchange(argv + 2);
  if (strcmp(verb, "flip") == 0 && argc == 4) return flip(argv[2], argv[3]);
  if (strcmp(verb, "steal") == 0) return steal();
  if (strcmp(verb, "inject") == 0) return inject();
  if (strcmp(verb, "key") == 0 && argc == 3) return find_key(argv[2]);
  if (strcmp(verb, "keep-key") == 0 && argc == 3) return keep_key(argv[2]);
  if (strcmp(verb, "chase") == 0 && argc == 3) return chase(atoi(argv[2]));
  fprintf(stderr, "attacker: unknown words\n");
  return 2;
}
