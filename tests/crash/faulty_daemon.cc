#include "tests/crash/faulty_daemon.h"

#include "common/ledger_verifier.h"
#include "common/reason.h"
#include "tests/crash/session_load.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

constexpr char kRecords[] =
    "a.example.org. 60 IN A 192.0.2.7\n"
    "b.example.org. 60 IN A 192.0.2.8\n";

}  // namespace

FaultyDaemon::FaultyDaemon(const std::string& config)
    : faults_(MapFaults(directory_.File("faults"))),
      authority_(kRecords),
      daemon_({{authority_.endpoint()},
               config,
               {},
               {{kFaultsVariable, directory_.File("faults")}},
               "namegated_faulty"}),
      session_(daemon_.OpenSession({"a.example.org:443", "b.example.org:443"})) {}

std::string FaultyDaemon::Answer(const std::string& name) {
  const Reply reply = Ask(session_.nameserver, name);
  return reply.rcode + (reply.ede ? " " + std::to_string(*reply.ede) : "");
}

std::string FaultyDaemon::Connect(const std::string& address) {
  const auto reply = AskGateSocket(session_.gate_socket, address, 443);
  if (!reply) return "no reply";
  if (reply->verdict == 1) return "allow";
  return std::string(ReasonCode(static_cast<Reason>(reply->reason)));
}

Outcome FaultyDaemon::Status() const {
  return Run({BuildPath("bin/namegate"), "status", "--state-dir", daemon_.paths().directory()});
}

std::vector<std::string> FaultyDaemon::Findings() const {
  auto ledger = Database::Open(daemon_.paths().ledger(), Database::Mode::kReadOnly);
  if (!ledger) return {ledger.error().message};
  const auto verified = VerifyLedger(*ledger, std::nullopt, std::nullopt);
  return verified ? verified->findings : std::vector<std::string>{verified.error().message};
}

}  // namespace namegate::testing
