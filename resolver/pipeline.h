#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "resolver/answer_cache.h"
#include "resolver/forwarder.h"
#include "resolver/ipv6_route.h"
#include "resolver/ledger_writer.h"
#include "resolver/message_builder.h"
#include "resolver/query_source.h"
#include "resolver/rebinding_guard.h"
#include "resolver/session_table.h"

namespace namegate::resolver {

// How long a lease holds: max(TTL, floor) + grace, and from its last use as long again.
struct LeaseTerms {
  std::chrono::seconds floor{60};
  std::chrono::seconds grace{30};
};

// From a query to its response. Everything a query passes through stands in one list in Handle();
// every query that is answered leaves through Finish(), which records it and only then answers.
class Pipeline {
 public:
  Pipeline(SessionTable& sessions, Forwarder& forwarder, LedgerWriter& ledger, size_t cache_entries,
           LeaseTerms terms);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void Handle(const ReceivedQuery& received);

  // Queries not answered yet.
  size_t in_flight() const { return in_flight_; }
  uint64_t handled() const { return handled_; }
  size_t cache_entries() const { return cache_.size(); }

 private:
  // Beyond these, a session is answered SERVFAIL and the daemon drops what comes in.
  static constexpr size_t kMaxInFlightPerSession = 1'000;
  static constexpr size_t kMaxUnrecorded = 50'000;

  // A query on its way.
  struct Query {
    std::chrono::steady_clock::time_point received;
    Endpoint client;
    Transport transport = Transport::kUdp;
    std::weak_ptr<ResponseSink> sink;
    ParsedQuery parsed;
    std::shared_ptr<Session> session;
    std::vector<const Rule*> rules;  // that allow the name
    Response response;
    QueryRow row;  // moved away when it is submitted; its id stays in row_id
    int64_t row_id = 0;
    // Granted when the row is committed.
    struct Grant {
      IpAddress address;
      std::vector<const Rule*> rules;
      std::chrono::seconds term;
    };
    std::vector<Grant> grants;

    const DomainName& qname() const { return *parsed.message.qname; }
    uint16_t qtype() const { return parsed.message.qtype; }
  };
  using QueryPtr = std::shared_ptr<Query>;

  // The stages. Each returns true if it has settled the response.
  bool Identify(Query& query);
  bool RefuseUnserviceable(Query& query);
  bool LimitSession(Query& query);
  bool AnswerSpecial(Query& query);
  bool Decide(Query& query);
  bool WithholdTypes(Query& query);
  bool AnswerFromCache(Query& query);

  void AskUpstream(const QueryPtr& query);
  // Applies an answer, cached or fresh, to a query: the guard, the response, the grants.
  void UseAnswer(Query& query, const Answer& answer, uint32_t age_s);
  bool PassesGuard(Query& query, const Answer& answer);
  void PrepareGrants(Query& query, const Answer& answer, uint32_t age_s);

  void Finish(const QueryPtr& query);
  void OnRecorded(Query& query, const std::string& response, bool committed);

  SessionTable& sessions_;
  Forwarder& forwarder_;
  LedgerWriter& ledger_;
  AnswerCache cache_;
  LeaseTerms terms_;
  RebindingGuard guard_;
  Ipv6Route ipv6_;
  size_t in_flight_ = 0;
  uint64_t handled_ = 0;
};

}  // namespace namegate::resolver
