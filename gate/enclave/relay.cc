#include "gate/enclave/relay.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include "gate/enclave/id_map.h"
#include "gate/enclave/layout.h"
#include "gate/enclave/networks.h"
#include "gate/enclave/udp_gateway.h"

// Theory of operation. The relay lives in the network namespace that it was started in, which is
// the host's: the sockets it dials with are opened there. It has a user namespace of its own, so
// that it may make the gateway's network namespace without privileges; a second thread lives in
// that one and opens the sockets that face the sandbox. A socket keeps the namespace it was opened
// in, so one loop in one thread serves both sides.

namespace namegate::enclave {
namespace {

constexpr size_t kLargestPacket = 2'048;  // more than the veth's MTU; what is larger is ignored
constexpr int kPacketsPerTurn = 256;

// The terminal's signals are for the command, and a launcher that is killed takes the relay along.
void Detach() {
  setsid();
  for (const int ignored : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2}) {
    (void)signal(ignored, SIG_IGN);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Each connection takes six descriptors at most.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

// Keeps nothing of the launcher's but standard error and what is named: an open connection to the
// daemon would keep the session alive.
void CloseAllBut(int a, int b) {
  const unsigned low = static_cast<unsigned>(std::min(a, b));
  const unsigned high = static_cast<unsigned>(std::max(a, b));
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(null.get(), 0);
  dup2(null.get(), 1);
  if (low > 3) close_range(3, low - 1, 0);
  if (high > low + 1) close_range(low + 1, high - 1, 0);
  close_range(high + 1, ~0U, 0);
}

class Relay {
 public:
  Relay(const RelayOptions& options, Channel& launcher, Channel& sandbox)
      : options_(options),
        launcher_(launcher),
        sandbox_(sandbox),
        gate_(loop_, options.gate_socket) {}

  Result<void> EnterUserNamespace() {
    const pid_t parent = getppid();
    if (unshare(CLONE_NEWUSER) != 0) return NamespaceError("make a user namespace");
    // After it, because gaining its capabilities clears this setting.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) return Error{"namegate has ended"};
    const UniqueFd own(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
    if (auto sent = launcher_.Send("entered", own.get()); !sent) return sent;
    auto mapped = launcher_.Expect("mapped");
    if (!mapped) return mapped.error();
    return gateway_.Start();
  }

  // The child's namespaces exist by now; it waits for its ids and its device.
  Result<void> MeetSandbox() {
    auto pid = sandbox_.Receive();
    if (!pid) return pid.error();
    auto network = sandbox_.Expect("sandbox");
    if (!network) return network.error();
    auto diagnostics = sandbox_.Expect("sockets");
    if (!diagnostics) return diagnostics.error();
    owners_.emplace(std::move(diagnostics).value(), network->get());
    pid_t child = 0;
    std::from_chars(pid->text.data(), pid->text.data() + pid->text.size(), child);
    if (auto mapped = MapIds(child); !mapped) return mapped;
    if (auto sent = sandbox_.Send("mapped"); !sent) return sent;
    return OpenGateway(network->get());
  }

  Result<void> OpenGateway(int sandbox_network) {
    Result<void> done;
    gateway_.Run([&] {
      done = ConfigureGateway(sandbox_network);
      if (done) done = OpenSockets();
    });
    if (!done) return done;
    const Surroundings around{loop_,    gateway_,           gate_, *to_sandbox_, *to_listener_,
                              *owners_, options_.nameserver};
    tcp_.emplace(around);
    udp_.emplace(around, *tap_);
    return udp_->Start();
  }

  void Serve() {
    const Watch v4 = loop_.Add(tap_->fd(true), EPOLLIN, [&](uint32_t) { DrainTap(true); });
    const Watch v6 = loop_.Add(tap_->fd(false), EPOLLIN, [&](uint32_t) { DrainTap(false); });
    const Watch end = loop_.Add(launcher_.fd(), EPOLLIN, [&](uint32_t) { loop_.Stop(); });
    loop_.Run([&] {
      if (SessionHasEnded()) {
        tcp_->EndAll();
        udp_->EndAll();
      }
      gate_.Tick();
      tcp_->Tick();
      udp_->Tick();
    });
  }

 private:
  // The daemon removes the gate socket when it closes the session, and not when it dies: then what
  // is open stays open.
  bool SessionHasEnded() const {
    return access(options_.gate_socket.c_str(), F_OK) != 0 && errno == ENOENT;
  }

  Result<void> OpenSockets() {
    auto to_sandbox = RawSender::Open(kRelayMark);
    if (!to_sandbox) return to_sandbox.error();
    to_sandbox_ = std::move(to_sandbox).value();
    auto to_listener = RawSender::Open(0);
    if (!to_listener) return to_listener.error();
    to_listener_ = std::move(to_listener).value();
    auto tap = Tap::Open();
    if (!tap) return tap.error();
    tap_ = std::move(tap).value();
    return {};
  }

  void DrainTap(bool v4) {
    std::array<uint8_t, kLargestPacket> buffer;
    for (int i = 0; i < kPacketsPerTurn; ++i) {
      const auto packet = Tap::Receive(tap_->fd(v4), buffer);
      if (!packet) return;
      if (packet->size() < 10) continue;
      const uint8_t protocol = v4 ? (*packet)[9] : (*packet)[6];
      if (protocol == IPPROTO_TCP) tcp_->OnPacket(*packet);
      if (protocol == IPPROTO_UDP) udp_->OnPacket(*packet);
    }
  }

  const RelayOptions& options_;
  Channel& launcher_;
  Channel& sandbox_;
  EventLoop loop_;
  NamespaceThread gateway_;
  GateClient gate_;
  std::optional<RawSender> to_sandbox_;
  std::optional<RawSender> to_listener_;
  std::optional<Tap> tap_;
  std::optional<SocketOwners> owners_;
  std::optional<TcpGateway> tcp_;
  std::optional<UdpGateway> udp_;
};

}  // namespace

int RunRelay(const RelayOptions& options, Channel launcher, Channel sandbox) {
  Detach();
  CloseAllBut(launcher.fd(), sandbox.fd());
  Relay relay(options, launcher, sandbox);
  if (auto entered = relay.EnterUserNamespace(); !entered) {
    (void)launcher.Send(entered.error().message).ok();
    return 1;
  }
  if (auto met = relay.MeetSandbox(); !met) {
    (void)sandbox.Send(met.error().message).ok();
    return 1;
  }
  if (!sandbox.Send("ready")) return 1;
  sandbox.Close();
  relay.Serve();
  return 0;
}

}  // namespace namegate::enclave
