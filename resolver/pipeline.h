#pragma once

#include <uv.h>

#include <chrono>
#include <memory>
#include <vector>

#include "resolver/answer_cache.h"
#include "resolver/answer_judge.h"
#include "resolver/forwarder.h"
#include "resolver/ipv6_route.h"
#include "resolver/query.h"
#include "resolver/query_exit.h"
#include "resolver/session_table.h"
#include "resolver/special_names.h"

namespace namegate::resolver {

// What the operator sets.
struct PipelineOptions {
  size_t cache_entries = 10'000;
  LeaseTerms lease_terms;
  SessionLimits limits;
  std::vector<Rule> deny;                // names that no session may resolve, or be led through
  std::vector<IpPrefix> private_ranges;  // addresses that the rebinding guard suspects as well
};

// From a query to its response. Everything a query passes through stands in one list in Handle();
// every query that is answered leaves through the QueryExit, which records it and only then
// answers.
class Pipeline {
 public:
  Pipeline(uv_loop_t* loop, SessionTable& sessions, Forwarder& forwarder, LedgerWriter& ledger,
           const PipelineOptions& options);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void Handle(const ReceivedQuery& received);
  // Records what was counted and not recorded yet, without waiting for more of it.
  void FlushCounted() { exit_.FlushCounted(); }

  // Gives back a lease that an answer of an earlier daemon granted.
  void Grant(Session& session, const DomainName& qname, const IpAddress& address, int64_t query_id,
             std::chrono::microseconds term);
  // The upstreams are others now: what the old ones said may not hold where these are.
  void ForgetAnswers() { cache_.Clear(); }

  // Gives an open session other rules; leases that they do not allow end at once.
  void ChangePolicy(Session& session, std::vector<Rule> rules);

  // Queries not answered yet.
  size_t in_flight() const { return exit_.in_flight(); }
  uint64_t handled() const { return handled_; }
  size_t cache_entries() const { return cache_.size(); }

 private:
  // Beyond these, a session is answered SERVFAIL.
  static constexpr size_t kMaxInFlightPerSession = 1'000;
  // Queries of no session that are answered, each with its row; the rest share rows.
  static constexpr uint32_t kStrangersPerSecond = 100;
  // So many records of an answer are as much work as a query.
  static constexpr size_t kRecordsPerQuery = 8;

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
  SpecialAnswer ReverseAnswer(const Query& query);
  Next Decide(Query& query);
  Next WithholdTypes(Query& query);
  Next SpendBudget(Query& query);
  Next AnswerFromCache(Query& query);

  void Ignore(const ReceivedQuery& received);
  void Leave(const QueryPtr& query, Next next);
  void UseAnswer(Query& query, const Answer& answer, uint32_t age_s);
  void AskUpstream(const QueryPtr& query);
  void OnAnswer(const QueryPtr& query, const std::shared_ptr<const Answer>& answer);

  SessionTable& sessions_;
  Forwarder& forwarder_;
  AnswerCache cache_;
  SessionLimits limits_;
  AnswerJudge judge_;
  Ipv6Route ipv6_;
  Rate strangers_;
  QueryExit exit_;
  uint64_t handled_ = 0;
};

}  // namespace namegate::resolver
