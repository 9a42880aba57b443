// What a process in a container sees, as one JSON object on standard output, so that a test asserts facts.
//
//   guest            the report below
//   guest exit N     ends with status N
//   guest wait       says "ready", then sleeps until a signal ends it
//   guest inject     tries to type into every terminal that it can get hold of, and says how each attempt ended
//   guest serve      answers connections to socket 3, which a service manager has opened for it
//   guest ready      tells the service manager at $NOTIFY_SOCKET that it is ready, then sleeps
//   guest hold FD    reads from descriptor FD to its end and says how many bytes there were
//
// Static and without any file of its own: it runs in an empty root file system.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

static const char *separator = "";

static void print_string(const char *text) {
  putchar('"');
  for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
    if (*at == '"' || *at == '\\') printf("\\%c", *at);
    else if (*at < 0x20) printf("\\u%04x", *at);
    else putchar(*at);
  }
  putchar('"');
}

static void name(const char *key) {
  printf("%s\n", separator);
  print_string(key);
  printf(": ");
  separator = ",";
}

static void number(const char *key, long long value) {
  name(key);
  printf("%lld", value);
}

static void string(const char *key, const char *value) {
  name(key);
  print_string(value);
}

static void open_group(const char *key, char bracket) {
  name(key);
  putchar(bracket);
  separator = "";
}

static void close_group(char bracket) {
  putchar(bracket);
  separator = ",";
}

static void item(const char *value) {
  printf("%s", separator);
  print_string(value);
  separator = ",";
}

static void strings(const char *key, char *const *list) {
  open_group(key, '[');
  for (; *list != NULL; list++) item(*list);
  close_group(']');
}

// The lines of a file of /proc as a list; none when it cannot be opened.
static void lines(const char *key, const char *path) {
  open_group(key, '[');
  FILE *file = fopen(path, "re");
  char line[8192];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    item(line);
  }
  if (file != NULL) fclose(file);
  close_group(']');
}

// "CapInh:\t00000000" and the like, whole, as the kernel says it.
static void status(void) {
  open_group("status", '{');
  FILE *file = fopen("/proc/self/status", "re");
  char line[1024];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    char *value = strchr(line, ':');
    if (value == NULL) continue;
    *value++ = 0;
    value += strspn(value, " \t");
    value[strcspn(value, "\n")] = 0;
    string(line, value);
  }
  if (file != NULL) fclose(file);
  close_group('}');
}

static void links_in(const char *key, const char *directory) {
  open_group(key, '{');
  DIR *entries = opendir(directory);
  struct dirent *entry;
  while (entries != NULL && (entry = readdir(entries)) != NULL) {
    if (entry->d_name[0] == '.' || (isdigit(entry->d_name[0]) && atoi(entry->d_name) == dirfd(entries))) continue;
    char path[PATH_MAX], target[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    const ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) continue;
    target[length] = 0;
    string(entry->d_name, target);
  }
  if (entries != NULL) closedir(entries);
  close_group('}');
}

static void limits(void) {
  static const struct { const char *name; int resource; } all[] = {
      {"as", RLIMIT_AS},         {"core", RLIMIT_CORE},     {"cpu", RLIMIT_CPU},
      {"data", RLIMIT_DATA},     {"fsize", RLIMIT_FSIZE},   {"locks", RLIMIT_LOCKS},
      {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
      {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},   {"rss", RLIMIT_RSS},
      {"rtprio", RLIMIT_RTPRIO}, {"rttime", RLIMIT_RTTIME}, {"sigpending", RLIMIT_SIGPENDING},
      {"stack", RLIMIT_STACK},
  };
  open_group("limits", '{');
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct rlimit limit;
    if (getrlimit(all[i].resource, &limit) != 0) continue;
    name(all[i].name);
    printf("[%lld, %lld]", (long long)limit.rlim_cur, (long long)limit.rlim_max);  // -1: unlimited
  }
  close_group('}');
}

static void groups(void) {
  gid_t list[256];
  const int count = getgroups(256, list);
  open_group("groups", '[');
  for (int i = 0; i < count; i++) {
    printf("%s%u", separator, list[i]);
    separator = ",";
  }
  close_group(']');
}

static void terminal(void) {
  struct winsize size = {0, 0, 0, 0};
  open_group("terminal", '{');
  number("stdin", isatty(0));
  number("stdout", isatty(1));
  number("stderr", isatty(2));
  if (ioctl(0, TIOCGWINSZ, &size) == 0) {
    number("rows", size.ws_row);
    number("columns", size.ws_col);
  }
  number("foreground_group", tcgetpgrp(0));
  close_group('}');
}

static void report(char **argv) {
  char directory[PATH_MAX] = "";
  struct utsname host;
  uname(&host);
  const mode_t mask = umask(0);
  umask(mask);
  printf("{");
  links_in("fds", "/proc/self/fd");  // first: before anything else is opened
  number("uid", getuid());
  number("gid", getgid());
  number("euid", geteuid());
  number("egid", getegid());
  groups();
  number("pid", getpid());
  number("parent", getppid());
  number("session", getsid(0));
  number("process_group", getpgid(0));
  number("umask", mask);
  string("cwd", getcwd(directory, sizeof directory) == NULL ? "" : directory);
  string("hostname", host.nodename);
  string("domainname", host.domainname);
  strings("args", argv);
  strings("env", environ);
  status();
  limits();
  terminal();
  links_in("namespaces", "/proc/self/ns");
  lines("mounts", "/proc/self/mountinfo");
  lines("uid_map", "/proc/self/uid_map");
  lines("gid_map", "/proc/self/gid_map");
  lines("cgroup", "/proc/self/cgroup");
  lines("oom_score_adj", "/proc/self/oom_score_adj");
  lines("interfaces", "/proc/self/net/dev");
  printf("\n}\n");
}

static int hold(int fd) {
  char buffer[65536];
  long long total = 0;
  for (ssize_t count; (count = read(fd, buffer, sizeof buffer)) > 0;) total += count;
  printf("%lld\n", total);
  return 0;
}

static void end(int signal) {
  (void)signal;
  _exit(0);
}

// As sd_listen_fds(3) has it: descriptors are only taken by the process that they are for.
static int serve(void) {
  const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
  if (pid == NULL || atoi(pid) != getpid() || count == NULL || atoi(count) < 1) return 3;
  signal(SIGTERM, end);
  for (;;) {
    const int client = accept(3, NULL, NULL);
    if (client < 0) return 4;
    dprintf(client, "%s of %s\n", names == NULL ? "none" : names, count);
    close(client);
  }
}

// As sd_notify(3) has it.
static int ready(void) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || strlen(path) >= sizeof address.sun_path) return 3;
  strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const char told[] = "READY=1";
  if (sendto(fd, told, sizeof told - 1, 0, (const struct sockaddr *)&address, sizeof address) < 0) return 4;
  signal(SIGTERM, end);
  for (;;) pause();
}

// The request as 64 bits: the kernel looks at 32 of them, a filter might look at all (CVE-2019-10063).
static void attempt(const char *where, const char *what, int fd, unsigned long request, const void *argument) {
  const long result = syscall(SYS_ioctl, fd, request, argument);
  printf("%s\n{\"where\": \"%s\", \"what\": \"%s\", \"error\": %d}", separator, where, what, result == 0 ? 0 : errno);
  separator = ",";
}

static int inject(void) {
  static const char paste_selection[] = {3};
  const char *places[] = {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "/dev/tty", "/dev/console"};
  printf("[");
  for (size_t place = 0; place < sizeof places / sizeof places[0]; place++) {
    const int fd = open(places[place], O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) continue;
    attempt(places[place], "TIOCSTI", fd, TIOCSTI, "X");
    attempt(places[place], "TIOCSTI with high bits", fd, TIOCSTI | 1ul << 32, "X");
    attempt(places[place], "TIOCLINUX", fd, TIOCLINUX, paste_selection);
    attempt(places[place], "TIOCLINUX with high bits", fd, TIOCLINUX | 1ul << 32, paste_selection);
    close(fd);
  }
  printf("\n]\n");
  return 0;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  if (strcmp(verb, "exit") == 0 && argc > 2) return atoi(argv[2]);
  if (strcmp(verb, "hold") == 0 && argc > 2) return hold(atoi(argv[2]));
  if (strcmp(verb, "inject") == 0) return inject();
  if (strcmp(verb, "serve") == 0) return serve();
  if (strcmp(verb, "ready") == 0) return ready();
  if (strcmp(verb, "wait") == 0) {
    puts("ready");
    fflush(stdout);
    for (;;) pause();
  }
  report(argv);
  return fflush(stdout) == 0 ? 0 : 1;
}
