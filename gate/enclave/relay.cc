#include "gate/enclave/relay.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "common/descriptor_path.h"
#include "common/system_error.h"
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
// A far end that has taken nothing for so long does not get the rest of what the command sent.
constexpr std::chrono::seconds kSettlePatience{5};

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
        gate_(loop_, options.relay_socket, [this](int64_t connection) {
          tcp_->Break(connection);
          udp_->Break(connection);
        }) {}

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
    gateway_.Start();
    return {};
  }

  // The other side makes its own network while the gateway is prepared; it hears of an error when
  // it has met us.
  Result<void> MeetSandbox() {
    const auto prepared = Prepare();
    if (options_.attached) {
      if (auto offered = prepared ? OfferGateway() : prepared; !offered) return offered;
    }
    auto network = sandbox_.Expect("sandbox");
    if (!network) return network.error();
    auto diagnostics = sandbox_.Expect("sockets");
    if (!diagnostics) return diagnostics.error();
    if (!prepared) return prepared.error();
    owners_.emplace(std::move(diagnostics).value(), options_.attached ? -1 : network->get());
    return OpenGateway(network->get());
  }

  Result<void> Prepare() {
    if (auto started = gateway_.Started(); !started) return started;
    Result<void> done;
    gateway_.Run([&] {
      done = PrepareGateway();
      if (done) done = OpenSenders();
    });
    return done;
  }

  Result<void> OfferGateway() {
    UniqueFd own;
    gateway_.Run([&] { own.Reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); });
    return sandbox_.Send("gateway", own.get());
  }

  Result<void> OpenGateway(int sandbox_network) {
    Result<void> done;
    gateway_.Run([&] {
      if (!options_.attached) done = LinkToSandbox(sandbox_network);
      // The other side configures its end while we do ours.
      if (done) done = sandbox_.Send("linked");
      if (done) done = ConfigureGateway();
      if (done) done = OpenTap();
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
    const Watch end = loop_.Add(launcher_.fd(), EPOLLIN, [&](uint32_t) { HearLauncher(); });
    gate_.Tick();
    loop_.Run([&] {
      if (SessionHasEnded()) {
        tcp_->EndAll();
        udp_->EndAll();
      }
      gate_.Tick();
      tcp_->Tick();
      udp_->Tick();
      Settle();
    });
  }

 private:
  // The daemon removes the gate socket when it closes the session, and not when it dies: then what
  // is open stays open.
  bool SessionHasEnded() const {
    return access(options_.relay_socket.c_str(), F_OK) != 0 && errno == ENOENT;
  }

  void HearLauncher() {
    const auto message = launcher_.Receive();
    if (!message) return loop_.Stop();  // it has gone
    if (message->text == "detach") return LeaveSandbox();
    if (message->text != "settle") return;
    settle_until_ = Clock::now() + kSettlePatience;
    // Behind the events that are there already, such as the command's last octets.
    loop_.Post([this] { Settle(); });
  }

  void LeaveSandbox() {
    Result<void> done;
    gateway_.Run([&] { done = Unlink(); });
    if (!launcher_.Send(done ? "detached" : done.error().message)) loop_.Stop();
  }

  void Settle() {
    if (!settle_until_) return;
    // What arrived last counts too.
    DrainTap(true);
    DrainTap(false);
    const bool udp = udp_->Settle();
    const bool tcp = tcp_->Settle();
    if (const uint64_t sent = tcp_->sent(); sent != settled_) {
      settled_ = sent;
      settle_until_ = Clock::now() + kSettlePatience;
    }
    if ((!udp || !tcp) && Clock::now() < *settle_until_) return;
    settle_until_.reset();
    tcp_->EndAll();
    udp_->EndAll();
    if (!launcher_.Send("settled")) loop_.Stop();
  }

  Result<void> OpenSenders() {
    auto to_sandbox = RawSender::Open(kRelayMark);
    if (!to_sandbox) return to_sandbox.error();
    to_sandbox_ = std::move(to_sandbox).value();
    auto to_listener = RawSender::Open(0);
    if (!to_listener) return to_listener.error();
    to_listener_ = std::move(to_listener).value();
    return {};
  }

  Result<void> OpenTap() {
    auto tap = Tap::Open();
    if (!tap) return tap.error();
    tap_ = std::move(tap).value();
    return {};
  }

  void DrainTap(bool v4) {
    std::array<uint8_t, kLargestPacket> buffer;
    for (int i = 0; i < kPacketsPerTurn; ++i) {
      const auto seen = Tap::Receive(tap_->fd(v4), buffer);
      if (!seen) return;
      tcp_->OnPacket(seen->packet);
      udp_->OnPacket(seen->packet, seen->arrival);
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
  std::optional<Clock::time_point> settle_until_;
  uint64_t settled_ = 0;  // octets that had been sent on when it was last looked
};

// The directory of the session's socket, which is held from before the command is there: it could
// put another in its place, and a socket of its own into that.
Result<UniqueFd> HoldDirectory(const std::filesystem::path& socket) {
  UniqueFd directory(open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory) return directory;
  return SystemError("open '" + socket.parent_path().string() + "'");
}

}  // namespace

int RunRelay(const RelayOptions& options, Channel launcher, Channel sandbox) {
  Detach();
  CloseAllBut(launcher.fd(), sandbox.fd());
  const std::filesystem::path socket(options.relay_socket);
  const auto directory = HoldDirectory(socket);
  if (!directory) {
    (void)launcher.Send(directory.error().message).ok();
    return 1;
  }
  RelayOptions held = options;
  held.relay_socket = PathThrough(*directory) + "/" + socket.filename().string();
  Relay relay(held, launcher, sandbox);
  if (auto entered = relay.EnterUserNamespace(); !entered) {
    (void)launcher.Send(entered.error().message).ok();
    return 1;
  }
  if (auto met = relay.MeetSandbox(); !met) {
    if (sandbox.Send(met.error().message)) return 1;
    // The command ended before it began, so there is nothing to settle.
    while (launcher.Receive() && launcher.Send("settled")) {
    }
    return 0;
  }
  if (!sandbox.Send("ready")) return 1;
  sandbox.Close();
  relay.Serve();
  return 0;
}

}  // namespace namegate::enclave
