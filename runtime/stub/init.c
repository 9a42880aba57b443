/* --init under another OCI runtime: the container's first process, which runs `init -- PROGRAM ARGUMENTS…` below itself.
 * Freestanding; it has what the runtime gave it, and takes nothing away. */
#include <asm/ioctls.h>

#include "runtime/stub/execute.h"
#include "runtime/stub/serve_as_init.h"

#define EXIT_FAILED 125
#define EXIT_NOT_USABLE 126
#define EXIT_NOT_FOUND 127

static void say(const char *text) { syscall3(__NR_write, 2, ptr(text), (long)text_length(text)); }

/* Of the container's own environment. Source: execvp(3). */
static const char *search_path(char **envp) {
  for (; *envp != 0; envp++) {
    const char *entry = *envp;
    if (entry[0] == 'P' && entry[1] == 'A' && entry[2] == 'T' && entry[3] == 'H' && entry[4] == '=') return entry + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* In its own process group, which is the terminal's foreground, so that Ctrl-C reaches it once and not through us, too. */
static _Noreturn void run_program(char **argv, char **envp) {
  const int group = (int)syscall0(__NR_getpid);
  int is_missing = 0;
  syscall2(__NR_setpgid, 0, 0);
  syscall3(__NR_ioctl, 0, TIOCSPGRP, ptr(&group)); /* SIGTTOU is blocked; fails where there is no terminal */
  set_signal_mask(0);
  execute_as_asked(argv, envp, search_path(envp), &is_missing);
  say("Error: executing \"");
  say(argv[0]);
  say(is_missing ? "\": there is no such program in the container\n" : "\": it cannot be executed in the container\n");
  exit_now(is_missing ? EXIT_NOT_FOUND : EXIT_NOT_USABLE);
}

__attribute__((used)) _Noreturn void stub_main(const long *stack) {
  char **argv = (char **)(uintptr_t)(stack + 1);
  char **envp = argv + stack[0] + 1;
  long pid;
  if (stack[0] < 3 || argv[1][0] != '-' || argv[1][1] != '-' || argv[1][2] != 0) {
    say("engine: this is the first process of containers with --init, not a program to be run by itself\n");
    exit_now(EXIT_FAILED);
  }
  set_signal_mask(~0ull);
  pid = syscall5(__NR_clone, SIGCHLD, 0, 0, 0, 0); /* a fork */
  if (pid == 0) run_program(argv + 2, envp);
  if (pid < 0) exit_now(EXIT_FAILED);
  serve_as_init(pid);
}
