/* The home directory of a user in the text of a passwd(5) file. C subset shared with C++: no allocation, no library. */
#ifndef ENGINE_STUB_HOME_H
#define ENGINE_STUB_HOME_H

#include <stddef.h>
#include <stdint.h>

enum { PASSWD_UID = 2, PASSWD_HOME = 5, PASSWD_FIELDS = 7 }; /* name, password, uid, gid, comment, home, shell */

/* Whether the text is a decimal number that is `uid`. */
static inline int passwd_is_number(const char* text, size_t length, uint32_t uid) {
  uint64_t value = 0;
  size_t index;
  if (length == 0) return 0;
  for (index = 0; index < length; index++) {
    if (text[index] < '0' || text[index] > '9' || value > UINT32_MAX) return 0;
    value = value * 10 + (uint64_t)(text[index] - '0');
  }
  return value == uid;
}

/* Where the line's home directory begins and, in `length`, how long it is, when the line is the user's and names an
 * absolute path; else 0. */
static inline const char* passwd_home_of_line(const char* line, size_t size, uint32_t uid, size_t* length) {
  const char* home = 0;
  size_t start = 0, field = 0, at;
  int is_users = 0;
  for (at = 0; at <= size; at++) {
    if (at != size && line[at] != ':') continue;
    if (field == PASSWD_UID) is_users = passwd_is_number(line + start, at - start, uid);
    if (field == PASSWD_HOME) {
      home = line + start;
      *length = at - start;
    }
    start = at + 1;
    field++;
  }
  return is_users && field == PASSWD_FIELDS && *length != 0 && home[0] == '/' ? home : 0;
}

/* As above, of the first such line. Malformed lines are skipped. */
static inline const char* passwd_home(const char* text, size_t size, uint32_t uid, size_t* length) {
  size_t start = 0, at;
  for (at = 0; at <= size; at++) {
    const char* home;
    if (at != size && text[at] != '\n') continue;
    home = passwd_home_of_line(text + start, at - start, uid, length);
    if (home != 0) return home;
    start = at + 1;
  }
  return 0;
}

#endif
