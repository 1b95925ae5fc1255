// PID…: tries to enter the network namespace of each process, and to trace and to read it.

#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

void TryPath(const char* what, const char* pid, const char* below) {
  char path[128];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, below);
  const int fd = open(path, O_RDONLY);
  Report(what, fd);
  if (fd >= 0) close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    TryPath("network", argv[i], "ns/net");
    TryPath("memory", argv[i], "mem");
    TryPath("root", argv[i], "root/etc");
    Report("trace", ptrace(PTRACE_SEIZE, atoi(argv[i]), nullptr, nullptr));
  }
  return 0;
}
