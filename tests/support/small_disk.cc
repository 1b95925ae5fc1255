#include "tests/support/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/unique_fd.h"
#include "tests/support/skip.h"

namespace namegate::testing {

SmallDisk::SmallDisk() {
  if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", directory_.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    Skip(std::string("a file system of the test's own is needed: ") + std::strerror(errno));
  }
}

SmallDisk::~SmallDisk() { umount2(directory_.path().c_str(), MNT_DETACH); }

void SmallDisk::Fill() const {
  const UniqueFd ballast(open(Ballast().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const std::string block(4096, 'x');
  while (write(ballast.get(), block.data(), block.size()) > 0) continue;
}

void SmallDisk::MakeRoom() const { std::filesystem::remove(Ballast()); }

void SmallDisk::MakeRoom(int64_t octets) const {
  const auto size = std::filesystem::file_size(Ballast());
  std::filesystem::resize_file(Ballast(), size - static_cast<uintmax_t>(octets));
}

bool SmallDisk::SetReadOnly(bool read_only) const {
  unsigned long flags = MS_REMOUNT;
  if (read_only) flags |= MS_RDONLY;
  return mount("none", path().c_str(), nullptr, flags, nullptr) == 0;
}

}  // namespace namegate::testing
