#include "tests/crash/session_load.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <map>

#include "tests/crash/relay_client.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

// Queries in flight: some are always on their way through the daemon, whenever it is killed. They
// must stay below the daemon's limits, past which queries share a row.
constexpr size_t kUdpWindow = 24;
constexpr size_t kTcpWindow = 8;
// That are tried again and again while there is no daemon.
constexpr size_t kUdpTries = 4;
// That connect at the same time.
constexpr int kPrograms = 3;
// What an enclave's relay asks at a time, and how many of its connections stay open.
constexpr size_t kRelayWindow = 3;
constexpr size_t kCarried = 32;
constexpr std::chrono::milliseconds kShortSilence{30};
// Of a daemon that is there: more would be asked of one that is only slow.
constexpr std::chrono::milliseconds kLongSilence{3'000};
constexpr std::chrono::milliseconds kRetry{2};
// Addresses that are connected to again and again, also after a restart.
constexpr size_t kRemembered = 300;
constexpr uint32_t kNetwork = 0xc6120000;  // 198.18.0.0/15
constexpr uint32_t kHosts = 0x1ffff;

uint32_t NumberIn(const std::string& name) {
  return static_cast<uint32_t>(std::stoul(name.substr(1)));
}

}  // namespace

std::string AddressRecord(const std::string& name) {
  const uint32_t address = kNetwork + (NumberIn(name) & kHosts);
  const auto octet = [&](int shift) { return static_cast<uint8_t>(address >> shift); };
  return name + ". 300 IN A " + IpAddress::V4(octet(24), octet(16), octet(8), octet(0)).ToText();
}

// One that no name has; another one as soon as the ports have been through.
std::string NeverAnswered(uint32_t number) {
  return IpAddress::V4(198, 51, 100, static_cast<uint8_t>(1 + number / 65'535 % 254)).ToText();
}

std::optional<GateReply> AskGateSocket(const std::string& path, const std::string& address,
                                       uint16_t port) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path - 1);
  const UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  GateRequest request{};
  request.magic = kGateMagic;
  request.version = kGateVersion;
  request.size = sizeof request;
  request.operation = static_cast<uint8_t>(GateOperation::kConnect);
  request.family = 4;
  request.protocol = IPPROTO_TCP;
  request.port = port;
  const auto octets = IpAddress::FromText(address).value();
  std::copy(octets.octets().begin(), octets.octets().end(), request.address);
  if (send(fd.get(), &request, sizeof request, MSG_NOSIGNAL) != sizeof request) return {};
  GateReply reply{};
  // The end of the daemon ends this as well.
  if (recv(fd.get(), &reply, sizeof reply, 0) != sizeof reply) return {};
  return reply;
}

SessionLoad::SessionLoad(const TestSession& session, const Endpoint& nameserver,
                         LoadControl& control, Observations& observations)
    : session_(session), nameserver_(nameserver), control_(control), observations_(observations) {
  threads_.emplace_back([this] { AskOverUdp(); });
  threads_.emplace_back([this] { AskOverTcp(); });
  if (!session.relay_socket.empty()) {
    threads_.emplace_back([this] { Carry(); });
    return;
  }
  for (int i = 0; i < kPrograms; ++i) threads_.emplace_back([this] { Connect(); });
}

SessionLoad::~SessionLoad() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

// Every fifth name is one that is not allowed.
std::string SessionLoad::NextName() {
  const uint32_t number = control_.NextNumber();
  return "n" + std::to_string(number) + (number % 5 == 0 ? ".denied.example" : ".load.example");
}

void SessionLoad::NoteAnswer(const Reply& reply) {
  if (reply.answers.empty()) return;
  const std::lock_guard lock(mutex_);
  answered_.push_back(reply.data().front());
  if (answered_.size() > kRemembered) answered_.pop_front();
}

// The same name is asked once more by another client, mostly answered from the cache.
void SessionLoad::AskOverUdp() {
  const UdpClient client(nameserver_);
  const UdpClient other(nameserver_);
  size_t in_flight = 0;
  std::chrono::milliseconds silence{0};
  while (!stopping_) {
    control_.WaitWhilePaused();
    const bool ready = control_.daemon_ready();
    const size_t window = ready ? kUdpWindow : kUdpTries;
    for (; in_flight < window; ++in_flight) client.Send(MakeQuery(NextName(), "A"));
    const auto reply = client.Receive(kShortSilence);
    if (!reply) {
      silence += kShortSilence;
      if (!ready || silence >= kLongSilence) in_flight = 0;
      continue;
    }
    silence = {};
    if (in_flight > 0) --in_flight;
    NoteAnswer(*reply);
    if (reply->answers.empty()) continue;
    other.Send(MakeQuery(reply->question.substr(0, reply->question.find(". IN")), "A"));
    while (other.ReceiveRaw(std::chrono::milliseconds(0))) continue;
  }
}

void SessionLoad::AskOverTcp() {
  while (!stopping_) {
    TcpClient client(nameserver_);
    for (size_t i = 0; i < kTcpWindow; ++i) client.Send(MakeQuery(NextName(), "A"));
    while (const auto reply = client.Receive(kLongSilence)) {
      NoteAnswer(*reply);
      if (stopping_) return;
      control_.WaitWhilePaused();
      client.Send(MakeQuery(NextName(), "A"));
    }
    std::this_thread::sleep_for(kRetry);
  }
}

std::optional<std::string> SessionLoad::AnsweredAddress() {
  const std::lock_guard lock(mutex_);
  if (answered_.empty()) return std::nullopt;
  return answered_[random_() % answered_.size()];
}

SeenVerdict SessionLoad::NextDestination(uint32_t attempt) {
  const auto answered = attempt % 5 == 0 ? std::nullopt : AnsweredAddress();
  const uint32_t number = control_.NextNumber();
  SeenVerdict next;
  next.session = session_.id;
  next.address = answered.value_or(NeverAnswered(number));
  next.port = static_cast<uint16_t>(1 + number % 65'535);
  return next;
}

void SessionLoad::Connect() {
  for (uint32_t attempt = 0; !stopping_; ++attempt) {
    control_.WaitWhilePaused();
    SeenVerdict seen = NextDestination(attempt);
    const auto reply = AskGateSocket(session_.gate_socket, seen.address, seen.port);
    if (!reply) {
      std::this_thread::sleep_for(kRetry);
      continue;
    }
    seen.allowed = reply->verdict == 1;
    observations_.Add(seen);
  }
}

// Some connections stay open, over the daemon's death too.
void SessionLoad::Carry() {
  std::deque<int64_t> carried;
  for (uint32_t attempt = 0; !stopping_;) {
    RelayClient relay(session_.relay_socket);
    for (const int64_t connection : carried) relay.Tell(RelayOperation::kKept, connection);
    relay.Tell(RelayOperation::kAllKept, 0);
    std::map<int64_t, SeenVerdict> asked;
    while (!stopping_) {
      control_.WaitWhilePaused();
      for (; asked.size() < kRelayWindow; ++attempt) {
        const SeenVerdict& next = asked[attempt] = NextDestination(attempt);
        relay.Ask(attempt, next.address, next.port);
      }
      const auto reply = relay.Receive();
      if (!reply) break;
      const auto found = asked.find(reply->id);
      if (found == asked.end()) continue;
      found->second.allowed = reply->verdict == 1;
      found->second.relayed = true;
      observations_.Add(found->second);
      asked.erase(found);
      if (reply->verdict == 1) carried.push_back(reply->connection);
      if (carried.size() <= kCarried) continue;
      relay.Tell(RelayOperation::kEnded, carried.front());
      carried.pop_front();
    }
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace namegate::testing
