/* The kernel's interface for programs without a C library: raw system calls (the result is -errno on failure) and the
 * few memory functions that compilers call by themselves. Included once per program. */
#ifndef ENGINE_STUB_SYSCALLS_H
#define ENGINE_STUB_SYSCALLS_H

#include <asm/fcntl.h>
#include <asm/unistd.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
/* The kernel leaves argc, argv on the stack; the C part gets a pointer to it. */
__asm__(
    ".globl _start\n"
    ".type _start, @function\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call stub_main\n"
    "  hlt\n");
#elif defined(__aarch64__)
static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}
__asm__(
    ".globl _start\n"
    ".type _start, %function\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  and sp, x0, #-16\n"
    "  bl stub_main\n"
    "  brk #1\n");
#else
#error "the stub knows x86_64 and aarch64"
#endif

static inline long syscall0(long n) { return syscall6(n, 0, 0, 0, 0, 0, 0); }
static inline long syscall1(long n, long a) { return syscall6(n, a, 0, 0, 0, 0, 0); }
static inline long syscall2(long n, long a, long b) { return syscall6(n, a, b, 0, 0, 0, 0); }
static inline long syscall3(long n, long a, long b, long c) { return syscall6(n, a, b, c, 0, 0, 0); }
static inline long syscall4(long n, long a, long b, long c, long d) { return syscall6(n, a, b, c, d, 0, 0); }
static inline long syscall5(long n, long a, long b, long c, long d, long e) { return syscall6(n, a, b, c, d, e, 0); }

/* A pointer as a system call argument. */
static inline long ptr(const void *pointer) { return (long)(uintptr_t)pointer; }

/* The container's own filter may refuse this call too: then the trap ends the process. */
static inline _Noreturn void exit_now(int code) {
  syscall1(__NR_exit_group, code);
  __builtin_trap();
}

/* The empty assembly keeps the compiler from turning these loops into calls of themselves. */
__attribute__((used)) void *memcpy(void *to, const void *from, size_t size) {
  unsigned char *target = to;
  const unsigned char *source = from;
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(size) : : "memory");
#endif
  while (size != 0) {
    *target++ = *source++;
    size--;
    __asm__ volatile("" ::: "memory");
  }
  return to;
}

__attribute__((used)) void *memset(void *to, int byte, size_t size) {
  unsigned char *target = to;
  while (size-- != 0) {
    *target++ = (unsigned char)byte;
    __asm__ volatile("" ::: "memory");
  }
  return to;
}

static inline size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length] != 0) {
    length++;
    __asm__ volatile("");
  }
  return length;
}

/* close_range(2), or one by one where a filter does not know it. Whoever executed us closed what had higher numbers, or
 * opened it close-on-exec. */
static inline long close_range_or_each(unsigned first, unsigned last, unsigned flags) {
  long result = syscall3(__NR_close_range, first, last, flags);
  if (result != -ENOSYS) return result;
  if (last > (1u << 16)) last = 1u << 16;
  for (unsigned fd = first; fd <= last; fd++) {
    if (flags & CLOSE_RANGE_CLOEXEC) syscall3(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
    else syscall1(__NR_close, fd);
  }
  return 0;
}

#endif
