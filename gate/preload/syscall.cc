// syscall(), by which programs make the gated calls under their numbers.
//
// Theory of operation. The numbers that matter are diverted to NamegateGatedSyscall(); every other
// call must behave exactly as through libc, even those after which a C function could not return (a
// clone() onto a new stack). So the entry is assembly that touches neither stack nor errno: for a
// diverted number it jumps on to a C++ function that takes its arguments as syscall() itself does,
// and so finds them where the caller put them; else it does what libc does.
//
// The kernel looks at the lower 32 bits of the number alone, and so does this.

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "gate/preload/hooks.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

template <typename T>
T* AsPointer(long argument) {
  return __builtin_bit_cast(T*, argument);
}

using Arguments = long[6];

int AsInt(long argument) { return static_cast<int>(argument); }

long Divert(int number, const Arguments& a) {
  const int fd = AsInt(a[0]);
  switch (number) {
    case __NR_connect:
      return GatedConnect(fd, AsPointer<void>(a[1]), AsInt(a[2]));
    case __NR_sendto:
      return GatedSendto(fd, AsPointer<void>(a[1]), static_cast<size_t>(a[2]), AsInt(a[3]),
                         AsPointer<void>(a[4]), AsInt(a[5]));
    case __NR_sendmsg:
      return GatedSendmsg(fd, AsPointer<msghdr>(a[1]), AsInt(a[2]));
    case __NR_sendmmsg:
      return GatedSendmmsg(fd, AsPointer<mmsghdr>(a[1]), static_cast<unsigned>(a[2]), AsInt(a[3]));
    case __NR_socket:
      return GatedSocket(AsInt(a[0]), AsInt(a[1]), AsInt(a[2]));
    case __NR_setsockopt:
      return GatedSetsockopt(fd, AsInt(a[1]), AsInt(a[2]), AsPointer<void>(a[3]), AsInt(a[4]));
    default:
      // io_uring_setup: a ring connects without any call that could be gated. Programs take ENOSYS
      // for an old kernel. On x86_64 also the numbers of the x32 ABI.
      return -ENOSYS;
  }
}

}  // namespace
}  // namespace namegate::preload

extern "C" {

// Reached from the assembly alone.
__attribute__((used)) long NamegateGatedSyscall(long number, ...) {
  va_list given;
  va_start(given, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(given, long);
  va_end(given);
  const long result = namegate::preload::Divert(static_cast<int>(number), arguments);
  return namegate::preload::AsLibcResult(result);
}

__attribute__((used)) long NamegateSyscallFailed(long result) {
  return namegate::preload::AsLibcResult(result);
}

}  // extern "C"

#define NAMEGATE_TEXT(x) NAMEGATE_TEXT_OF(x)
#define NAMEGATE_TEXT_OF(x) #x

// clang-format off
#if defined(__x86_64__)
#define NAMEGATE_DIVERT(number) "cmpl $" NAMEGATE_TEXT(number) ", %edi\n je NamegateGatedSyscall\n"
asm(".text\n"
    ".p2align 4\n"
    ".globl syscall\n"
    ".type syscall, @function\n"
    "syscall:\n"
    ".cfi_startproc\n"
    NAMEGATE_DIVERT(__NR_connect)
    NAMEGATE_DIVERT(__NR_sendto)
    NAMEGATE_DIVERT(__NR_sendmsg)
    NAMEGATE_DIVERT(__NR_sendmmsg)
    NAMEGATE_DIVERT(__NR_socket)
    NAMEGATE_DIVERT(__NR_setsockopt)
    NAMEGATE_DIVERT(__NR_io_uring_setup)
    "testl $0x40000000, %edi\n jnz NamegateGatedSyscall\n"  // x32
    "movq %rdi, %rax\n"
    "movq %rsi, %rdi\n"
    "movq %rdx, %rsi\n"
    "movq %rcx, %rdx\n"
    "movq %r8, %r10\n"
    "movq %r9, %r8\n"
    "movq 8(%rsp), %r9\n"
    "syscall\n"
    "cmpq $-4095, %rax\n"
    "jae 1f\n"
    "ret\n"
    "1: movq %rax, %rdi\n"
    "jmp NamegateSyscallFailed\n"
    ".cfi_endproc\n"
    ".size syscall, . - syscall\n");
#elif defined(__aarch64__)
#define NAMEGATE_DIVERT(number) "cmp w0, #" NAMEGATE_TEXT(number) "\n b.eq 1f\n"
asm(".text\n"
    ".p2align 4\n"
    ".globl syscall\n"
    ".type syscall, %function\n"
    "syscall:\n"
    ".cfi_startproc\n"
    NAMEGATE_DIVERT(__NR_connect)
    NAMEGATE_DIVERT(__NR_sendto)
    NAMEGATE_DIVERT(__NR_sendmsg)
    NAMEGATE_DIVERT(__NR_sendmmsg)
    NAMEGATE_DIVERT(__NR_socket)
    NAMEGATE_DIVERT(__NR_setsockopt)
    NAMEGATE_DIVERT(__NR_io_uring_setup)
    "mov x8, x0\n"
    "mov x0, x1\n"
    "mov x1, x2\n"
    "mov x2, x3\n"
    "mov x3, x4\n"
    "mov x4, x5\n"
    "mov x5, x6\n"
    "svc 0\n"
    "cmn x0, #4095\n"
    "b.cs 2f\n"
    "ret\n"
    "1: b NamegateGatedSyscall\n"
    "2: b NamegateSyscallFailed\n"
    ".cfi_endproc\n"
    ".size syscall, . - syscall\n");
#endif
// clang-format on
