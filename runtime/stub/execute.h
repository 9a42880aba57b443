/* Executing a program as execvp(3) does. Included once per program, behind syscalls.h. */
#ifndef ENGINE_STUB_EXECUTE_H
#define ENGINE_STUB_EXECUTE_H

#include "runtime/stub/syscalls.h"

/* 1: try the next directory. */
static int is_worth_searching_on(long result) {
  return result == -ENOENT || result == -ENOTDIR || result == -EACCES || result == -ENAMETOOLONG ||
         result == -ESTALE || result == -ENODEV || result == -ETIMEDOUT;
}

/* One element of the search path, up to ':' or the end; empty means the working directory, as for execvp(3). */
static long execute_in(const char *directory, size_t length, char **argv, char **envp) {
  const char *name = argv[0];
  static char path[4096];
  const size_t name_length = text_length(name);
  size_t used = 0;
  if (length + 1 + name_length + 1 > sizeof path) return -ENAMETOOLONG;
  for (; used < length; used++) path[used] = directory[used];
  if (length != 0) path[used++] = '/';
  for (size_t index = 0; index <= name_length; index++) path[used++] = name[index];
  return syscall3(__NR_execve, ptr(path), ptr(argv), ptr(envp));
}

static long execute_by_search(char **argv, char **envp, const char *rest, int *is_missing) {
  long seen = -ENOENT;
  for (;;) {
    size_t length = 0;
    long result;
    while (rest[length] != 0 && rest[length] != ':') length++;
    result = execute_in(rest, length, argv, envp);
    if (!is_worth_searching_on(result)) return result;
    if (result == -EACCES) seen = -EACCES;
    if (rest[length] == 0) break;
    rest += length + 1;
  }
  *is_missing = seen != -EACCES;
  return seen;
}

/* Comes back only when it fails, with the reason and whether there is no such program. */
static long execute_as_asked(char **argv, char **envp, const char *search_path, int *is_missing) {
  const char *name = argv[0];
  long result;
  int has_slash = 0;
  *is_missing = 1;
  for (const char *at = name; *at != 0; at++) has_slash |= *at == '/';
  if (name[0] == 0) return -ENOENT;
  *is_missing = 0;
  if (!has_slash) return execute_by_search(argv, envp, search_path, is_missing);
  result = syscall3(__NR_execve, ptr(name), ptr(argv), ptr(envp));
  *is_missing = result == -ENOENT || result == -ENOTDIR;
  return result;
}

#endif
