// What a sandbox makes of a network: measured by the same client in each of them, against one
// server outside.
//
//   network_bench serve ADDRESS              prints its port, serves until it is ended
//   network_bench connect ADDRESS PORT       microseconds: connect(), and until the first octet
//   network_bench upload ADDRESS PORT        megabytes a second
//   network_bench download ADDRESS PORT      megabytes a second
//   network_bench many ADDRESS PORT          milliseconds until 1,000 at a time have their octet
//   network_bench start COMMAND...           milliseconds until the command has ended
//
// connect and start print medians. With PROXY=ADDRESS:PORT in the environment, a client asks that
// HTTP proxy for a tunnel.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/unique_fd.h"

namespace {

using Clock = std::chrono::steady_clock;
using namegate::UniqueFd;

constexpr int kConnects = 1'000;
constexpr int kAtOnce = 1'000;
constexpr int kStarts = 30;
constexpr std::chrono::milliseconds kBulk{1'000};
constexpr size_t kBuffer = 128 << 10;
constexpr char kEnd = 'e';

[[noreturn]] void Fail(const char* action) {
  std::perror(action);
  std::exit(1);
}

double MicrosSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

sockaddr_in Address(const std::string& host, const std::string& port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port.c_str())));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) Fail("inet_pton");
  return address;
}

void AllowDescriptors() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// ---- the server: the first octet says what the client wants -------------------------------------

// An octet of its own ends it, as not every proxy carries a half-close.
void Upload(const UniqueFd& connection) {
  std::vector<char> buffer(kBuffer);
  uint64_t total = 0;
  for (ssize_t got; (got = recv(connection.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    total += static_cast<uint64_t>(got);
    if (buffer[static_cast<size_t>(got) - 1] == kEnd) break;
  }
  send(connection.get(), &total, sizeof total, MSG_NOSIGNAL);
}

void Download(const UniqueFd& connection) {
  const std::vector<char> buffer(kBuffer);
  while (send(connection.get(), buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0) {
  }
}

void ServeFirstOctet(int epoll, int fd) {
  char wish = 0;
  if (recv(fd, &wish, 1, 0) == 1 && wish == 'p') {
    send(fd, &wish, 1, MSG_NOSIGNAL);
    return;  // and until the client closes
  }
  epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
  UniqueFd connection(fd);
  if (wish == 'u') std::thread([c = std::move(connection)] { Upload(c); }).detach();
  if (wish == 'd') std::thread([c = std::move(connection)] { Download(c); }).detach();
}

void AcceptOne(int epoll, const UniqueFd& listener) {
  const int fd = accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int Serve(const std::string& host) {
  AllowDescriptors();
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Address(host, "0");
  socklen_t length = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), name, length) != 0 || listen(listener.get(), SOMAXCONN) != 0 ||
      getsockname(listener.get(), name, &length) != 0) {
    Fail("listen");
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener.get();
  epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listener.get(), &event);
  for (;;) {
    if (epoll_wait(epoll.get(), &event, 1, -1) <= 0) continue;
    if (event.data.fd == listener.get()) {
      AcceptOne(epoll.get(), listener);
    } else {
      ServeFirstOctet(epoll.get(), event.data.fd);
    }
  }
}

// ---- the clients --------------------------------------------------------------------------------

struct Target {
  sockaddr_in address{};
  std::string tunnel;  // what the proxy is asked, if there is one

  Target(const std::string& host, const std::string& port) : address(Address(host, port)) {
    const char* proxy = std::getenv("PROXY");
    if (proxy == nullptr) return;
    const std::string text = proxy;
    const std::string to = host + ":" + port;
    address = Address(text.substr(0, text.find(':')), text.substr(text.find(':') + 1));
    tunnel = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n";
  }
  const sockaddr* name() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// To the end of the proxy's answer.
void AskForTunnel(const UniqueFd& fd, const Target& target) {
  if (target.tunnel.empty()) return;
  if (send(fd.get(), target.tunnel.data(), target.tunnel.size(), 0) < 0) Fail("ask the proxy");
  std::string answer;
  char octet = 0;
  while (!answer.ends_with("\r\n\r\n")) {
    if (recv(fd.get(), &octet, 1, 0) != 1) Fail("the proxy's answer");
    answer += octet;
  }
}

UniqueFd Connect(const Target& target) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), target.name(), sizeof target.address) != 0) Fail("connect");
  AskForTunnel(fd, target);
  return fd;
}

void Wish(const UniqueFd& fd, char wish) {
  if (send(fd.get(), &wish, 1, MSG_NOSIGNAL) != 1) Fail("send");
}

int MeasureConnect(const Target& target) {
  std::vector<double> connected;
  std::vector<double> answered;
  for (int i = 0; i < kConnects; ++i) {
    const auto begin = Clock::now();
    const UniqueFd fd = Connect(target);
    connected.push_back(MicrosSince(begin));
    Wish(fd, 'p');
    char octet = 0;
    if (recv(fd.get(), &octet, 1, 0) != 1) Fail("recv");
    answered.push_back(MicrosSince(begin));
  }
  std::printf("%.1f %.1f\n", Median(connected), Median(answered));
  return 0;
}

int MeasureUpload(const Target& target) {
  const UniqueFd fd = Connect(target);
  Wish(fd, 'u');
  const std::vector<char> buffer(kBuffer);
  const auto begin = Clock::now();
  while (Clock::now() - begin < kBulk) {
    if (send(fd.get(), buffer.data(), buffer.size(), 0) < 0) Fail("send");
  }
  Wish(fd, kEnd);
  uint64_t total = 0;
  if (recv(fd.get(), &total, sizeof total, MSG_WAITALL) != sizeof total) Fail("the server's count");
  std::printf("%.0f\n", static_cast<double>(total) / MicrosSince(begin));
  return 0;
}

int MeasureDownload(const Target& target) {
  const UniqueFd fd = Connect(target);
  std::vector<char> buffer(kBuffer);
  uint64_t total = 0;
  const auto begin = Clock::now();
  Wish(fd, 'd');
  while (Clock::now() - begin < kBulk) {
    const ssize_t got = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) Fail("recv");
    total += static_cast<uint64_t>(got);
  }
  std::printf("%.0f\n", static_cast<double>(total) / MicrosSince(begin));
  return 0;
}

// One of many: connects, asks the proxy if there is one, sends its octet and awaits the answer.
class OneOfMany {
 public:
  void Start(int epoll, const Target& target, uint32_t index) {
    fd_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (connect(fd_.get(), target.name(), sizeof target.address) != 0 && errno != EINPROGRESS) {
      Fail("connect");
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u32 = index;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd_.get(), &event);
    tunnelled_ = target.tunnel.empty();
  }
  // True when it has had its octet.
  bool Go(uint32_t events, const Target& target) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) Fail("one of many");
    if ((events & EPOLLOUT) != 0 && !asked_) {
      asked_ = true;
      const std::string_view text = tunnelled_ ? std::string_view("p") : target.tunnel;
      if (send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) Fail("send");
    }
    std::array<char, 1024> buffer{};
    const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    if (tunnelled_) return true;
    answer_.append(buffer.data(), static_cast<size_t>(got));
    if (answer_.ends_with("\r\n\r\n")) {
      tunnelled_ = true;
      Wish(fd_, 'p');
    }
    return false;
  }

 private:
  UniqueFd fd_;
  bool asked_ = false;
  bool tunnelled_ = false;
  std::string answer_;
};

int MeasureMany(const Target& target) {
  AllowDescriptors();
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  std::vector<OneOfMany> many(kAtOnce);
  const auto begin = Clock::now();
  for (uint32_t i = 0; i < many.size(); ++i) many[i].Start(epoll.get(), target, i);
  for (int done = 0; done < kAtOnce;) {
    std::array<epoll_event, 64> events{};
    const int ready = epoll_wait(epoll.get(), events.data(), events.size(), 30'000);
    if (ready <= 0) Fail("wait for many");
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      done += many[event.data.u32].Go(event.events, target) ? 1 : 0;
    }
  }
  std::printf("%.1f\n", MicrosSince(begin) / 1000);
  return 0;
}

int MeasureStart(char** command) {
  std::vector<double> took;
  for (int i = 0; i < kStarts; ++i) {
    const auto begin = Clock::now();
    const pid_t child = fork();
    if (child == 0) {
      execvp(command[0], command);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    // pasta ends with the status of its own clean-up; what could not be started at all shows.
    if (!WIFEXITED(status) || WEXITSTATUS(status) >= 125) Fail(command[0]);
    took.push_back(MicrosSince(begin) / 1000);
  }
  std::printf("%.2f\n", Median(took));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "start" && argc > 2) return MeasureStart(argv + 2);
  if (what == "serve" && argc > 2) return Serve(argv[2]);
  if (argc < 4) return 2;
  const Target target(argv[2], argv[3]);
  if (what == "connect") return MeasureConnect(target);
  if (what == "upload") return MeasureUpload(target);
  if (what == "download") return MeasureDownload(target);
  if (what == "many") return MeasureMany(target);
  return 2;
}
