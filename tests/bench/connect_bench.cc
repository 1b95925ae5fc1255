// Prints the microseconds that one connect() over loopback takes, the listener being this process.
// Run plainly and through the preload gate, the difference is what the gate adds.

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "common/unique_fd.h"

namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;
using namegate::UniqueFd;

constexpr int kConnections = 2'000;

// Connects once and returns how long that took; negative on failure.
double ConnectOnce(const UniqueFd& listener, const sockaddr_in& address) {
  const UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto begin = Clock::now();
  if (connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return -1;
  }
  const double took = Micros(Clock::now() - begin).count();
  const UniqueFd server(accept(listener.get(), nullptr, nullptr));
  return took;
}

}  // namespace

int main() {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0 ||
      getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::perror("listen on 127.0.0.1");
    return 1;
  }
  std::vector<double> took;
  for (int i = 0; i < kConnections; ++i) {
    took.push_back(ConnectOnce(listener, address));
    if (took.back() < 0) {
      std::perror("connect");
      return 1;
    }
  }
  std::sort(took.begin(), took.end());
  std::printf("%.1f %.1f\n", took[took.size() / 2], took[took.size() * 99 / 100]);
  return 0;
}
