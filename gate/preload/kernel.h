#pragma once

// The kernel, called directly. Not through libc: its functions are the very ones that this library
// takes the place of, looking theirs up (dlsym) takes locks and memory, and a libc wrapper sets
// errno where a gated call that succeeds must leave it alone.

#include <errno.h>
#include <sys/syscall.h>

namespace namegate::preload {

// The result of a system call: what the kernel left in the result register, -errno on failure.
inline long CallKernel(long number, const long (&arguments)[6]) {
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = arguments[3];
  register long r8 asm("r8") = arguments[4];
  register long r9 asm("r9") = arguments[5];
  asm volatile("syscall"
               : "+a"(result)
               : "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = arguments[0];
  register long x1 asm("x1") = arguments[1];
  register long x2 asm("x2") = arguments[2];
  register long x3 asm("x3") = arguments[3];
  register long x4 asm("x4") = arguments[4];
  register long x5 asm("x5") = arguments[5];
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#else
#error "libnamegate.so knows the system calls of x86_64 and aarch64 only"
#endif
}

inline long AsArgument(const volatile void* pointer) { return reinterpret_cast<long>(pointer); }
inline long AsArgument(long number) { return number; }
inline long AsArgument(unsigned long number) { return static_cast<long>(number); }
inline long AsArgument(int number) { return number; }
inline long AsArgument(unsigned number) { return static_cast<long>(number); }

// Kernel(__NR_close, fd): arguments left out are zero.
template <typename... Arguments>
long Kernel(long number, Arguments... arguments) {
  return CallKernel(number, {AsArgument(arguments)...});
}

// Turns a kernel's result into a libc function's: errno is touched on failure only.
inline long AsLibcResult(long result) {
  if (result >= 0 || result < -4095) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace namegate::preload
