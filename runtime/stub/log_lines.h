/* The container's log: k8s-file lines, "<RFC 3339 in UTC> stdout|stderr F|P <text>", P for a piece without its line end.
 * Rotation by size keeps older files. Part of monitor.c. */
#ifndef ENGINE_STUB_LOG_LINES_H
#define ENGINE_STUB_LOG_LINES_H

#include <linux/fcntl.h>
#include <stdint.h>

#include "runtime/stub/syscalls.h"

struct timestamp {
  int64_t seconds, nanoseconds;
};

/* "2026-11-22T03:07:58.123456789Z stdout F " */
#define LOG_PREFIX_BYTES 40
#define LOG_NAME_MAX_BYTES 64

static struct {
  int fd; /* -1: no log */
  int directory;
  const char *name;
  uint64_t max_bytes; /* 0: never rotate */
  uint32_t max_files; /* the current one counts */
  uint64_t size;      /* of the file, without what is still in `bytes` */
  size_t used;
  char bytes[16384];
} container_log; /* filled by open_log */

static struct timestamp wall_clock(void) {
  struct timestamp now = {0, 0};
  syscall2(__NR_clock_gettime, 0 /* CLOCK_REALTIME */, ptr(&now));
  return now;
}

/* Right-aligned with leading zeros. */
static void put_digits(char *to, int width, int64_t number) {
  while (width-- > 0) {
    to[width] = (char)('0' + number % 10);
    number /= 10;
  }
}

/* Days since 1970 to a date: count years from March, so that the leap day comes last. */
static void put_date(char *to, int64_t days) {
  const int64_t shifted = days + 719468; /* from 0000-03-01 */
  const int64_t era = shifted / 146097;
  const int64_t day_of_era = shifted % 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153; /* 0: March */
  const int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  put_digits(to, 4, era * 400 + year_of_era + (month <= 2));
  put_digits(to + 5, 2, month);
  put_digits(to + 8, 2, day_of_year - (153 * shifted_month + 2) / 5 + 1);
}

static void put_prefix(char *to, struct timestamp now, const char *stream) {
  static const char shape[LOG_PREFIX_BYTES + 1] = "0000-00-00T00:00:00.000000000Z stdxxx F ";
  memcpy(to, shape, LOG_PREFIX_BYTES);
  put_date(to, now.seconds / 86400);
  put_digits(to + 11, 2, now.seconds / 3600 % 24);
  put_digits(to + 14, 2, now.seconds / 60 % 60);
  put_digits(to + 17, 2, now.seconds % 60);
  put_digits(to + 20, 9, now.nanoseconds);
  memcpy(to + 31, stream, 6);
}

/* What cannot be written (no space) is lost; the container goes on. */
static void flush_log(void) {
  size_t done = 0;
  while (done < container_log.used) {
    const long wrote = syscall3(__NR_write, container_log.fd, ptr(container_log.bytes + done),
                                (long)(container_log.used - done));
    if (wrote == -EINTR) continue;
    if (wrote <= 0) break;
    done += (size_t)wrote;
  }
  container_log.size += done;
  container_log.used = 0;
}

static void log_append(const char *bytes, size_t size) {
  while (size != 0) {
    const size_t room = sizeof container_log.bytes - container_log.used;
    const size_t part = size < room ? size : room;
    memcpy(container_log.bytes + container_log.used, bytes, part);
    container_log.used += part;
    bytes += part;
    size -= part;
    if (container_log.used == sizeof container_log.bytes) flush_log();
  }
}

/* "<name>.<number>", or the name itself for 0. `to` has room for LOG_NAME_MAX_BYTES and five more. */
static void put_log_name(char *to, uint32_t number) {
  const size_t length = text_length(container_log.name);
  int digits = 1;
  for (uint32_t rest = number; rest >= 10; rest /= 10) digits++;
  memcpy(to, container_log.name, length + 1);
  if (number == 0) return;
  to[length] = '.';
  put_digits(to + length + 1, digits, number);
  to[length + 1 + (size_t)digits] = 0;
}

static long rename_log(uint32_t from, uint32_t to) {
  char old_name[LOG_NAME_MAX_BYTES + 6], new_name[LOG_NAME_MAX_BYTES + 6];
  put_log_name(old_name, from);
  put_log_name(new_name, to);
  return syscall5(__NR_renameat2, container_log.directory, ptr(old_name), container_log.directory, ptr(new_name), 0);
}

/* <name> becomes <name>.1, that <name>.2, and so on; the last one goes. When that fails the old file goes on growing.
 * With one file only it is begun anew. */
static void rotate_log(void) {
  long fresh;
  flush_log();
  if (container_log.directory < 0 || text_length(container_log.name) > LOG_NAME_MAX_BYTES) return;
  if (container_log.max_files <= 1) {
    if (syscall2(__NR_ftruncate, container_log.fd, 0) == 0) container_log.size = 0;
    return;
  }
  for (uint32_t number = container_log.max_files - 2; number > 0; number--) rename_log(number, number + 1);
  if (rename_log(0, 1) < 0) return;
  fresh = syscall4(__NR_openat, container_log.directory, ptr(container_log.name),
                   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fresh < 0) return;
  syscall1(__NR_close, container_log.fd);
  container_log.fd = (int)fresh;
  container_log.size = 0;
}

static void log_line(struct timestamp now, const char *stream, const char *text, size_t size, int is_whole) {
  char prefix[LOG_PREFIX_BYTES];
  const uint64_t before = container_log.size + container_log.used;
  if (container_log.max_bytes != 0 && before != 0 && before + sizeof prefix + size + 1 > container_log.max_bytes)
    rotate_log();
  put_prefix(prefix, now, stream);
  if (!is_whole) prefix[LOG_PREFIX_BYTES - 2] = 'P';
  log_append(prefix, sizeof prefix);
  log_append(text, size);
  log_append("\n", 1);
}

/* stream: "stdout" or "stderr". */
static void log_output(const char *stream, const char *text, size_t size) {
  const struct timestamp now = wall_clock();
  if (container_log.fd < 0) return;
  while (size != 0) {
    size_t length = 0;
    while (length < size && text[length] != '\n') length++;
    log_line(now, stream, text, length, length < size);
    if (length < size) length++; /* the line end itself */
    text += length;
    size -= length;
  }
  flush_log();
}

static void open_log(int fd, int directory, const char *name, uint64_t max_bytes, uint32_t max_files) {
  const long size = fd < 0 ? 0 : syscall3(__NR_lseek, fd, 0, 2 /* SEEK_END */);
  container_log.fd = fd;
  container_log.directory = directory;
  container_log.name = name;
  container_log.max_bytes = max_bytes;
  container_log.max_files = max_files;
  container_log.size = size > 0 ? (uint64_t)size : 0;
}

#endif
