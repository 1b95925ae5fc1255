#pragma once

#include <chrono>
#include <map>
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
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// How long a lease holds: max(TTL, floor) + grace, and from its last use as long again.
struct LeaseTerms {
  std::chrono::seconds floor{60};
  std::chrono::seconds grace{30};
};

// What the operator sets.
struct PipelineOptions {
  size_t cache_entries = 10'000;
  LeaseTerms lease_terms;
  SessionLimits limits;
  std::vector<Rule> deny;                // names that no session may resolve, or be led through
  std::vector<IpPrefix> private_ranges;  // addresses that the rebinding guard suspects as well
};

// From a query to its response. Everything a query passes through stands in one list in Handle();
// every query that is answered leaves through Finish(), which records it and only then answers.
class Pipeline {
 public:
  Pipeline(uv_loop_t* loop, SessionTable& sessions, Forwarder& forwarder, LedgerWriter& ledger,
           const PipelineOptions& options);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void Handle(const ReceivedQuery& received);
  // Records what was counted and not recorded yet, without waiting for more of it.
  void FlushCounted();

  // Gives back a lease that an answer of an earlier daemon granted.
  void Grant(Session& session, const DomainName& qname, const IpAddress& address, int64_t query_id,
             std::chrono::microseconds term);

  // Queries not answered yet.
  size_t in_flight() const { return in_flight_; }
  uint64_t handled() const { return handled_; }
  size_t cache_entries() const { return cache_.size(); }

 private:
  // Beyond these, a session is answered SERVFAIL and the daemon drops what comes in.
  static constexpr size_t kMaxInFlightPerSession = 1'000;
  static constexpr size_t kMaxUnrecorded = 50'000;
  // What is past a session's limits is gathered for so long, or up to so many, under one row.
  static constexpr uint64_t kCountedWindow_ms = 200;
  static constexpr size_t kMaxCounted = 1'000;

  // A query on its way.
  struct Query {
    std::chrono::steady_clock::time_point received;
    Endpoint client;
    Transport transport = Transport::kUdp;
    std::weak_ptr<ResponseSink> sink;
    ParsedQuery parsed;
    std::shared_ptr<Session> session;
    std::vector<const Rule*> rules;  // that allow the name and type
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

  // Where a query goes from a stage.
  enum class Next {
    kContinue,  // to the next stage
    kFinish,    // its response is settled
    kCount,     // the same, but it shares its row with others like it
    kDrop,      // no response; it is counted under one row with others like it
  };

  Next Identify(Query& query);
  Next RefuseUnserviceable(Query& query);
  Next LimitSession(Query& query);
  Next AnswerSpecial(Query& query);
  Next Decide(Query& query);
  Next WithholdTypes(Query& query);
  Next SpendBudget(Query& query);
  Next AnswerFromCache(Query& query);

  void AskUpstream(const QueryPtr& query);
  // Applies an answer, cached or fresh, to a query: the guard, the response, the grants.
  void UseAnswer(Query& query, const Answer& answer, uint32_t age_s);
  bool PassesDenyList(Query& query, const Answer& answer);
  bool PassesGuard(Query& query, const Answer& answer);
  // Settles a denial of the operator's for `name`.
  void DenyByOperator(Query& query, const DomainName& name);
  void PrepareGrants(Query& query, const Answer& answer, uint32_t age_s);

  // Builds the response and fills the row; the response's octets.
  std::string Complete(Query& query);
  void Finish(const QueryPtr& query);
  void OnRecorded(Query& query, const std::string& response, bool committed);
  void Leave(Query& query);

  // Queries of one session that are past a limit for one reason.
  struct Counted {
    QueryPtr first;
    std::vector<QueryPtr> to_answer;
    uint64_t count = 0;
  };
  using CountedKey = std::pair<int64_t, Reason>;
  void Count(const QueryPtr& query, Next next);
  void RecordCounted(const Counted& counted);

  SessionTable& sessions_;
  Forwarder& forwarder_;
  LedgerWriter& ledger_;
  AnswerCache cache_;
  LeaseTerms terms_;
  SessionLimits limits_;
  Policy deny_;
  RebindingGuard guard_;
  Ipv6Route ipv6_;
  UvHandle<uv_timer_t> counted_timer_;
  std::map<CountedKey, Counted> counted_;
  size_t in_flight_ = 0;
  uint64_t handled_ = 0;
};

}  // namespace namegate::resolver
