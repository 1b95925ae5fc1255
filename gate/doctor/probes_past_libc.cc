// Ways past the C library, where a preloaded library sees nothing.

#include <dlfcn.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/gate_protocol.h"
#include "gate/doctor/probe.h"
#include "gate/doctor/probe_runner.h"
#include "gate/doctor/socket_address.h"
#include "gate/preload/kernel.h"

namespace namegate::doctor {
namespace {

// A system call past every library, with the result that one would give.
template <typename... Arguments>
long RawCall(long number, Arguments... arguments) {
  return preload::AsLibcResult(preload::Kernel(number, arguments...));
}

// The rings of io_uring(7), mapped: only as much of it as one connect() needs.
class Ring {
 public:
  // False if the kernel has none, or does not let us.
  bool Open() {
    fd_ = RawCall(SYS_io_uring_setup, 1, &parameters_);
    if (fd_ < 0) return false;
    submissions_ = Map(parameters_.sq_off.array + sizeof(uint32_t), IORING_OFF_SQ_RING);
    completions_ = Map(parameters_.cq_off.cqes + 2 * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    entry_ = reinterpret_cast<io_uring_sqe*>(Map(sizeof(io_uring_sqe), IORING_OFF_SQES));
    return submissions_ != nullptr && completions_ != nullptr && entry_ != nullptr;
  }

  // What the operation came to, as a C library's call would.
  long Run(const io_uring_sqe& operation) {
    *entry_ = operation;
    const uint32_t first = 0;
    std::memcpy(submissions_ + parameters_.sq_off.array, &first, sizeof first);
    Counter(submissions_ + parameters_.sq_off.tail).store(1);
    const long entered = RawCall(SYS_io_uring_enter, fd_, 1, 1, IORING_ENTER_GETEVENTS);
    if (entered < 0) return entered;
    io_uring_cqe done{};
    std::memcpy(&done, completions_ + parameters_.cq_off.cqes, sizeof done);
    return preload::AsLibcResult(done.res);
  }

 private:
  uint8_t* Map(size_t size, uint64_t offset) const {
    void* place = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                       static_cast<int>(fd_), static_cast<off_t>(offset));
    return place == MAP_FAILED ? nullptr : static_cast<uint8_t*>(place);
  }
  static std::atomic_ref<uint32_t> Counter(uint8_t* place) {
    return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(place));
  }

  io_uring_params parameters_{};
  long fd_ = -1;
  uint8_t* submissions_ = nullptr;
  uint8_t* completions_ = nullptr;
  io_uring_sqe* entry_ = nullptr;
};

}  // namespace

std::string TryRawCalls(const Target& target) {
  const SocketAddress to(target);
  const long socket = RawCall(SYS_socket, to.family(), SOCK_STREAM, 0);
  if (socket < 0) return Said(-1);
  return Said(RawCall(SYS_connect, socket, to.get(), to.length()));
}

std::string TryIoUring(const Target& target) {
  Ring ring;
  if (!ring.Open()) return Said(-1);
  const SocketAddress to(target);
  const long socket = RawCall(SYS_socket, to.family(), SOCK_STREAM, 0);
  if (socket < 0) return Said(-1);
  io_uring_sqe connecting{};
  connecting.opcode = IORING_OP_CONNECT;
  connecting.fd = static_cast<int>(socket);
  connecting.addr = reinterpret_cast<uintptr_t>(to.get());
  connecting.off = to.length();
  return Said(ring.Run(connecting));
}

std::string TryOtherAbi([[maybe_unused]] const Target& target) {
#if defined(__x86_64__)
  constexpr long kSocket = 359;  // of i386
  constexpr long kConnect = 362;
  const auto call = [](long number, long a, long b, long c) {
    long result = number;
    asm volatile("int $0x80"
                 : "+a"(result)
                 : "b"(a), "c"(b), "d"(c)
                 : "r8", "r9", "r10", "r11", "memory");
    return preload::AsLibcResult(static_cast<int>(result));
  };
  const SocketAddress to(target);
  // Its pointers have 32 bits.
  void* low = mmap(nullptr, sizeof(sockaddr_storage), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) return Said(-1);
  std::memcpy(low, to.get(), to.length());
  const long socket = call(kSocket, to.family(), SOCK_STREAM, 0);
  if (socket < 0) return Said(-1);
  return Said(call(kConnect, socket, preload::AsArgument(low), to.length()));
#else
  errno = ENOSYS;
  return Said(-1);
#endif
}

std::string TrySecondHandle(const Target& target) {
  void* library = dlopen("libc.so.6", RTLD_NOW);
  void* found = library != nullptr ? dlsym(library, "connect") : nullptr;
  if (found == nullptr) return "no libc.so.6";
  const auto its_connect = reinterpret_cast<int (*)(int, const sockaddr*, socklen_t)>(found);
  const SocketAddress to(target);
  return Said(its_connect(socket(to.family(), SOCK_STREAM, 0), to.get(), to.length()));
}

std::string TryScrubbed(const Target& target) {
  unsetenv("LD_PRELOAD");
  unsetenv(kGateSocketVariable);
  const std::string plan =
      nlohmann::json(
          {{"nested", 1},
           {"tries", {{{"name", "connect"}, {"as", "scrubbed"}, {"port", target.port}}}}})
          .dump();
  execl("/proc/self/exe", "namegate", "doctor", "--probes", plan.c_str(), nullptr);
  return Said(-1);
}

}  // namespace namegate::doctor
