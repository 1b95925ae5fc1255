# An i386 program: socket(AF_INET, SOCK_STREAM, 0), then its status is 0 if it got one, else 1.
# Assembled by itself, so that no library for i386 is needed.
  .code32
  .globl _start
_start:
  movl $359, %eax
  movl $2, %ebx
  movl $1, %ecx
  xorl %edx, %edx
  int $0x80
  movl %eax, %ebx
  shrl $31, %ebx
  movl $1, %eax
  int $0x80
