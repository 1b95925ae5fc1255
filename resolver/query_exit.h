#pragma once

#include <uv.h>

#include <string>

#include "resolver/flood_counter.h"
#include "resolver/ledger_writer.h"
#include "resolver/query.h"

namespace namegate::resolver {

// The one way out for queries: the response is built, the row recorded, and only when that is
// committed are the leases granted and the response sent. If it cannot be committed the client
// hears that, and nothing is leased.
class QueryExit {
 public:
  QueryExit(uv_loop_t* loop, LedgerWriter& ledger);
  QueryExit(const QueryExit&) = delete;
  QueryExit& operator=(const QueryExit&) = delete;

  // True if the ledger cannot keep up: no more is to be taken in.
  bool IsBlocked() const { return ledger_.pending() >= kMaxUnrecorded; }

  // One more query will leave here, once.
  void Expect() { ++in_flight_; }
  size_t in_flight() const { return in_flight_; }

  // The query is settled and leaves with a row of its own.
  void Finish(const QueryPtr& query);
  // It is past a limit of its session, and shares a row with others like it; answered, or not.
  void FinishCounted(const QueryPtr& query, FloodCounter::Response response);
  // Records what was counted and not recorded yet, without waiting for more of it.
  void FlushCounted() { flood_.Flush(); }

 private:
  static constexpr size_t kMaxUnrecorded = 50'000;

  // The response's octets.
  std::string Build(Query& query);
  // Gives the row its id, and what is known of the query by now.
  void FillRow(Query& query);
  void Leave(Query& query);
  void RecordCounted(const CountedQueries& counted);
  void OnRecorded(Query& query, const std::string& response, bool committed);

  LedgerWriter& ledger_;
  FloodCounter flood_;
  size_t in_flight_ = 0;
};

}  // namespace namegate::resolver
