#include "gate/preload/denial.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/preload/bytes.h"
#include "gate/preload/hash_set.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

HashSet told;

// A pipe that is full or without a reader is left alone: the program did not choose to write here,
// so it must neither wait nor be killed for it.
void WriteToFile(const char* text, size_t size) {
  pollfd polled = {STDERR_FILENO, POLLOUT, 0};
  const timespec at_once = {};
  if (Kernel(__NR_ppoll, &polled, 1, &at_once, nullptr, 0) != 1) return;
  if (polled.revents == POLLOUT) Kernel(__NR_write, STDERR_FILENO, text, size);
}

}  // namespace

bool IsNews(uint64_t what) {
  // After fork() the child remembers what its parent was told, but it is a process of its own.
  const long pid = Kernel(__NR_getpid);
  return told.Add(Hash(what, &pid, sizeof(pid)));
}

void WriteToStderr(Line& line) {
  const char* text = line.Finish();
  int domain = 0;
  int size = sizeof(domain);
  const long is_socket =
      Kernel(__NR_getsockopt, STDERR_FILENO, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  if (is_socket == -ENOTSOCK) {
    WriteToFile(text, line.size());
  } else if (is_socket == 0 && domain == AF_UNIX) {
    Kernel(__NR_sendto, STDERR_FILENO, text, line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

}  // namespace namegate::preload
