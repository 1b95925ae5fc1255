#include "tests/integration/enclave_internet.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "gate/enclave/netlink.h"
#include "gate/enclave/networks.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

template <typename T>
void Need(const Result<T>& result) {
  if (!result) Skip(result.error().message);
}

IpAddress Address(const char* text) { return IpAddress::FromText(text).value(); }

void Build() {
  using Kind = enclave::Netlink::RouteKind;
  auto netlink = enclave::Netlink::Open();
  Need(netlink);
  Need(netlink->SetUp("lo"));
  for (uint8_t host = 1; host <= 9; ++host) {
    Need(netlink->AddAddress("lo", IpAddress::V4(203, 0, 113, host), 32));
  }
  Need(netlink->AddAddress("lo", Address("2001:db8:1::1"), 128));
  Need(netlink->AwaitAddress(Address("2001:db8:1::1")));
  Need(netlink->AddRoute({Kind::kUnreachable, Address("198.51.100.0"), 24, 254, "", {}}));
  Need(enclave::SetSysctl("net/ipv4/tcp_syn_retries", "1"));
}

std::string ErrnoText(const char* action) {
  return std::string(action) + ": " + std::strerror(errno);
}

// Bound to a port of the kernel's choice.
UniqueFd Bound(const std::string& address, int type, uint16_t* port) {
  const IpAddress ip = Address(address.c_str());
  sockaddr_storage storage{};
  socklen_t length = ip.ToSockaddr(0, &storage);
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  UniqueFd socket(::socket(storage.ss_family, type | SOCK_CLOEXEC, 0));
  if (!socket || bind(socket.get(), name, length) != 0 ||
      getsockname(socket.get(), name, &length) != 0) {
    throw std::runtime_error(ErrnoText("bind a test's server"));
  }
  *port = ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  return socket;
}

// False once `stop` was told.
bool WaitReadable(int fd, int stop) {
  std::array<pollfd, 2> events = {{{fd, POLLIN, 0}, {stop, POLLIN, 0}}};
  while (poll(events.data(), events.size(), -1) < 0 && errno == EINTR) {
  }
  return events[1].revents == 0;
}

void Tell(int stop) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop, &one, sizeof one);
}

}  // namespace

void EnterInternet() {
  static const bool built = [] {
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) {
      Skip(ErrnoText("make a network namespace for the test"));
    }
    if (uid != 0) {
      const auto put = [](const char* file, const std::string& text) {
        const UniqueFd target(open(file, O_WRONLY | O_CLOEXEC));
        if (write(target.get(), text.data(), text.size()) < 0) Skip(ErrnoText(file));
      };
      put("/proc/self/setgroups", "deny");
      put("/proc/self/gid_map", std::to_string(gid) + " " + std::to_string(gid) + " 1");
      put("/proc/self/uid_map", std::to_string(uid) + " " + std::to_string(uid) + " 1");
    }
    Build();
    return true;
  }();
  (void)built;
}

TcpServer::TcpServer(const std::string& address, Serve serve)
    : serve_(std::move(serve)),
      listener_(Bound(address, SOCK_STREAM, &port_)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  if (listen(listener_.get(), SOMAXCONN) != 0) throw std::runtime_error(ErrnoText("listen"));
  thread_ = std::thread([this] { Run(); });
}

TcpServer::~TcpServer() {
  Tell(stop_.get());
  thread_.join();
  for (std::thread& serving : serving_) serving.join();
}

void TcpServer::Run() {
  while (WaitReadable(listener_.get(), stop_.get())) {
    const int connection = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    ++accepted_;
    serving_.emplace_back([this, connection] {
      const UniqueFd owned(connection);
      serve_(connection);
    });
  }
}

void Echo(int connection) {
  std::array<char, 65536> buffer{};
  for (ssize_t got; (got = recv(connection, buffer.data(), buffer.size(), 0)) > 0;) {
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t put =
          send(connection, buffer.data() + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
      if (put < 0) return;
      sent += put;
    }
  }
}

void Break(int connection) {
  char first = 0;
  if (recv(connection, &first, 1, 0) < 0) return;
  const linger at_once{1, 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

UdpEcho::UdpEcho(const std::string& address)
    : socket_(Bound(address, SOCK_DGRAM, &port_)), stop_(eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this] {
    while (WaitReadable(socket_.get(), stop_.get())) {
      std::array<char, 65536> buffer{};
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      auto* name = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, name, &length);
      if (got >= 0) sendto(socket_.get(), buffer.data(), static_cast<size_t>(got), 0, name, length);
    }
  });
}

UdpEcho::~UdpEcho() {
  Tell(stop_.get());
  thread_.join();
}

std::string ClosedPort(const std::string& address) {
  uint16_t port = 0;
  (void)Bound(address, SOCK_STREAM, &port);
  return std::to_string(port);
}

}  // namespace namegate::testing
