#include "resolver/gate_judge.h"

#include <span>

namespace namegate::resolver {
namespace {

// Port 0 cannot be connected to, so no rule can speak of it. Reserved fields that a later version
// gives a meaning must not be read as if they had none.
bool IsWellFormed(const GateRequest& request, size_t size) {
  if (size != sizeof request || request.size != size) return false;
  if (request.magic != kGateMagic || request.version != kGateVersion) return false;
  if (request.reserved != 0) return false;
  const auto operation = static_cast<GateOperation>(request.operation);
  const bool addressed = operation == GateOperation::kConnect || operation == GateOperation::kSend;
  if (addressed) return request.family == 4 || request.family == 6;
  return operation == GateOperation::kRefused &&
         (request.family == 0 || request.family == 4 || request.family == 6);
}

Endpoint DestinationOf(const GateRequest& request) {
  const std::span<const uint8_t> octets(request.address);
  return {IpAddress(octets.first(request.family == 4 ? 4 : 16)), request.port};
}

std::string ProtocolSuffix(Protocol protocol) { return protocol == Protocol::kUdp ? "/udp" : ""; }

std::string RuleFor(const std::string& host, uint16_t port, Protocol protocol) {
  return host + ":" + std::to_string(port) + ProtocolSuffix(protocol);
}

std::string Denied(const GateVerdict& verdict, const std::string& why) {
  const std::string what = verdict.destination ? verdict.destination->ToText() : "a socket";
  std::string protocol = std::to_string(verdict.protocol);
  if (verdict.protocol == static_cast<uint8_t>(Protocol::kTcp)) protocol = "tcp";
  if (verdict.protocol == static_cast<uint8_t>(Protocol::kUdp)) protocol = "udp";
  const std::string name = verdict.name ? " (" + verdict.name->ToText() + ")" : "";
  return "denied " + protocol + " " + what + name + ": " + why;
}

std::string RefusalText(GateRefusal refusal) {
  switch (refusal) {
    case GateRefusal::kSocketFamily:
      return "sockets of this family or type are not permitted";
    case GateRefusal::kSourceRoute:
      return "an option that routes around the destination is not permitted";
    case GateRefusal::kFastOpen:
      return "TCP_FASTOPEN_CONNECT is not permitted";
    case GateRefusal::kNone:
      break;
  }
  return "the gate refused it";
}

void DenyWithoutLease(GateVerdict& verdict, const Endpoint& to, Protocol protocol) {
  verdict.reason = Reason::kNoLease;
  const std::string host =
      to.address.is_v4() ? to.address.ToText() : "[" + to.address.ToText() + "]";
  verdict.message =
      Denied(verdict, "no name that this session resolved has this address; to allow it: " +
                          RuleFor(host, to.port, protocol));
}

void DenyByLease(GateVerdict& verdict, const LeaseVerdict& judged, const Endpoint& to,
                 Protocol protocol, bool probe) {
  verdict.reason = judged.reason;
  verdict.name = judged.lease->name;
  verdict.query_id = judged.lease->query_id;
  const std::string name = judged.lease->name.ToText();
  if (judged.reason == Reason::kLeaseExpired) {
    verdict.message = Denied(verdict, "the answer for " + name +
                                          " has expired; resolve the name again before connecting");
    return;
  }
  if (probe) verdict.reason = Reason::kUdpProbe;
  verdict.quiet = probe;
  verdict.message = Denied(verdict, "no rule for " + name + " covers this port; to allow it: " +
                                        RuleFor(name, to.port, protocol));
}

void JudgeDestination(Session& session, GateVerdict& verdict, bool udp_connect, LeaseTerms terms) {
  const Endpoint& to = *verdict.destination;
  const bool udp = verdict.protocol == static_cast<uint8_t>(Protocol::kUdp);
  if (!udp && verdict.protocol != static_cast<uint8_t>(Protocol::kTcp)) {
    verdict.reason = Reason::kProtocolNotAllowed;
    verdict.message = Denied(verdict, "only TCP and UDP can be allowed");
    return;
  }
  const Protocol protocol = udp ? Protocol::kUdp : Protocol::kTcp;
  const auto allow = [&](Reason reason, const Rule* rule) {
    verdict.verdict = Verdict::kAllow;
    verdict.reason = reason;
    if (rule != nullptr) verdict.rule = rule->text;
  };
  if (to == session.nameserver) return allow(Reason::kNameserver, nullptr);
  if (const Rule* rule = session.policy.RuleForAddress(to.address, to.port, protocol)) {
    return allow(Reason::kRule, rule);
  }
  const auto now = std::chrono::steady_clock::now();
  const LeaseVerdict judged =
      session.leases.Check(to.address, to.port, protocol, now, now + terms.floor + terms.grace);
  if (judged.lease == nullptr) return DenyWithoutLease(verdict, to, protocol);
  if (judged.reason != Reason::kLease) {
    return DenyByLease(verdict, judged, to, protocol, udp && udp_connect);
  }
  allow(Reason::kLease, judged.rule);
  verdict.name = judged.lease->name;
  verdict.query_id = judged.lease->query_id;
}

}  // namespace

GateVerdict JudgeGateRequest(Session& session, const GateRequest& request, size_t size,
                             LeaseTerms terms) {
  GateVerdict verdict;
  if (!IsWellFormed(request, size)) {
    verdict.message = "denied: the gate sent a malformed request";
    return verdict;
  }
  verdict.protocol = request.protocol;
  if (request.family != 0) verdict.destination = DestinationOf(request);
  const auto operation = static_cast<GateOperation>(request.operation);
  if (operation == GateOperation::kRefused) {
    verdict.reason = Reason::kSocketOption;
    verdict.message = Denied(verdict, RefusalText(static_cast<GateRefusal>(request.detail)));
    return verdict;
  }
  JudgeDestination(session, verdict, operation == GateOperation::kConnect, terms);
  return verdict;
}

GateVerdict JudgeRelayed(Session& session, Protocol protocol, const Endpoint& to,
                         LeaseTerms terms) {
  GateVerdict verdict;
  verdict.protocol = static_cast<uint8_t>(protocol);
  verdict.destination = to;
  JudgeDestination(session, verdict, /*udp_connect=*/false, terms);
  return verdict;
}

GateVerdict RefuseRelayed(Protocol protocol, const Endpoint& to) {
  GateVerdict verdict;
  verdict.protocol = static_cast<uint8_t>(protocol);
  verdict.destination = to;
  verdict.reason = Reason::kSocketOption;
  return verdict;
}

}  // namespace namegate::resolver
