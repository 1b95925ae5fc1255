#include "gate/preload/gate.h"

#include <errno.h>
#include <netinet/in.h>

#include "gate/preload/ask.h"
#include "gate/preload/bytes.h"
#include "gate/preload/denial.h"
#include "gate/preload/hash_set.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

// Stands for what no rule can speak of: raw sockets, and numbers that do not fit the request.
constexpr int kReservedProtocol = 255;

// What the line says when the gate service did not give one, between the subject and the newline.
void ExplainTrouble(Line& line, const Session& session, const Answer& answer) {
  switch (answer.answered) {
    case Answered::kNoSession:
      line.Text(": ").Text(kGateSocketVariable).Text(" is not set, so there is nobody to ask");
      return;
    case Answered::kPathTooLong:
      line.Text(": ").Text(kGateSocketVariable).Text(" is too long for a socket's path");
      return;
    case Answered::kNot:
      line.Text(": the gate service at ").Printable(session.path).Text(" does not answer (");
      line.ErrnoName(answer.errno_code).Text(")");
      return;
    case Answered::kNonsense:
      line.Text(": the gate service at ").Printable(session.path);
      line.Text(" gave an answer that is not a verdict");
      return;
    case Answered::kProperly:
      line.Text(" (reason ").Number(answer.reply.reason).Text(")");
      return;
  }
}

constexpr uint16_t kDnsPort = 53;

uint64_t NewsOf(const GateRequest& request);

// Who sends many datagrams asks once for each destination: the wall has a row for each flow.
HashSet admitted;

void RememberAdmitted(const GateRequest& request) {
  if (request.operation == static_cast<uint8_t>(GateOperation::kSend))
    admitted.Add(NewsOf(request));
}

bool IsLoopback6(const uint8_t* address) {
  for (int i = 0; i < 15; ++i) {
    if (address[i] != 0) return false;
  }
  return address[15] == 1;
}

// The loopback, and the link between a sandbox and its gateway (gate/enclave/layout.h), on which an
// enclave inside this one speaks.
bool IsNearby(const GateRequest& request) {
  const uint8_t* address = request.address;
  if (request.family == 4) {
    return address[0] == 127 ||
           (address[0] == 10 && address[1] == 64 && address[2] == 0 && address[3] < 4);
  }
  constexpr uint8_t kLink6[6] = {0xfd, 0x4e, 0x61, 0x74, 0x65, 0x67};
  bool link = true;
  for (int i = 0; i < 6; ++i) link = link && address[i] == kLink6[i];
  return link || IsLoopback6(address);
}

// What does not come to the wall (the command's own loopback), what the wall answers by itself
// (DNS, whomever it was meant for), what no rule can speak of, and datagrams that may go on.
bool IsLeftToTheWall(const GateRequest& request) {
  if (request.operation == static_cast<uint8_t>(GateOperation::kRefused)) return true;
  if (request.protocol != IPPROTO_TCP && request.protocol != IPPROTO_UDP) return true;
  if (request.port == kDnsPort || IsNearby(request)) return true;
  return request.operation == static_cast<uint8_t>(GateOperation::kSend) &&
         admitted.Has(NewsOf(request));
}

// One denial: asks, and says on stderr what came of it. `describe(line)` writes what was denied,
// for when the gate service did not say it.
template <typename Describe>
bool AskAndTell(GateRequest& request, uint64_t what, Describe describe) {
  Session fallback;
  const Session& session = CurrentSession(fallback);
  if (session.walled && IsLeftToTheWall(request)) return true;
  Answer answer;
  Ask(session, request, answer);
  const bool proper = answer.answered == Answered::kProperly;
  if (session.walled && !proper) return true;
  const bool refused_here = request.operation == static_cast<uint8_t>(GateOperation::kRefused);
  if (proper && answer.reply.verdict == 1 && !refused_here) {
    if (session.walled) RememberAdmitted(request);
    return true;
  }
  if (session.quiet || (proper && answer.reply.quiet != 0) || !IsNews(what)) return false;
  Line line;
  line.Text("namegate: ");
  if (proper && answer.reply.message[0] != '\0') {
    line.Printable(answer.reply.message);
  } else {
    describe(line);
    if (!proper || !refused_here) ExplainTrouble(line, session, answer);
  }
  WriteToStderr(line);
  return false;
}

GateRequest Refusal(GateRefusal refusal, int protocol) {
  GateRequest request = {};
  request.operation = static_cast<uint8_t>(GateOperation::kRefused);
  request.detail = static_cast<uint8_t>(refusal);
  request.protocol = static_cast<uint8_t>(protocol < 0 || protocol > 255 ? 0 : protocol);
  return request;
}

// The same destination is the same news, whether it was connected or sent to.
uint64_t NewsOf(const GateRequest& request) {
  uint64_t hash = Hash(kHashSeed, &request.family, sizeof(request.family));
  hash = Hash(hash, &request.protocol, sizeof(request.protocol));
  hash = Hash(hash, &request.detail, sizeof(request.detail));
  hash = Hash(hash, &request.port, sizeof(request.port));
  return Hash(hash, request.address, sizeof(request.address));
}

long IntOption(int fd, int option) {
  int value = 0;
  int size = sizeof(value);
  const long result = Kernel(__NR_getsockopt, fd, SOL_SOCKET, option, &value, &size);
  return result < 0 ? result : value;
}

}  // namespace

long Admit(GateOperation operation, int protocol, const Destination& destination) {
  GateRequest request = {};
  request.operation = static_cast<uint8_t>(operation);
  request.protocol = static_cast<uint8_t>(protocol);
  destination.Describe(request);
  const bool allowed = AskAndTell(request, NewsOf(request),
                                  [&](Line& line) { line.Text("denied ").Destination(request); });
  return allowed ? 0 : -EACCES;
}

long RefuseSocketFamily(int family, int type, int protocol) {
  if (IsWalled()) return 0;
  GateRequest request = Refusal(GateRefusal::kSocketFamily, protocol);
  const int asked[] = {family, type, protocol};
  AskAndTell(request, Hash(NewsOf(request), asked, sizeof(asked)), [&](Line& line) {
    line.Text("denied a socket of family ").Number(static_cast<unsigned>(family));
    line.Text(", type ").Number(static_cast<unsigned>(type));
    line.Text(", protocol ").Number(static_cast<unsigned>(protocol));
    line.Text(", which no rule can speak of");
  });
  return -EACCES;
}

long RefuseSourceRoute() {
  GateRequest request = Refusal(GateRefusal::kSourceRoute, 0);
  AskAndTell(request, NewsOf(request), [](Line& line) {
    line.Text("denied a socket option that leads around the destination");
  });
  return -EACCES;
}

long RefuseFastOpen() {
  GateRequest request = Refusal(GateRefusal::kFastOpen, IPPROTO_TCP);
  Session fallback;
  Answer ignored;
  Ask(CurrentSession(fallback), request, ignored);
  return -EOPNOTSUPP;
}

long SocketProtocol(int fd) {
  const long protocol = IntOption(fd, SO_PROTOCOL);
  if (protocol == kMptcp) return IPPROTO_TCP;
  if (protocol < 0) return protocol;
  // A raw socket has the number too, and writes ports by itself.
  if (IntOption(fd, SO_TYPE) == SOCK_RAW) return kReservedProtocol;
  return protocol > 255 ? kReservedProtocol : protocol;
}

long SocketDomain(int fd) { return IntOption(fd, SO_DOMAIN); }

}  // namespace namegate::preload
