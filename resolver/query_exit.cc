#include "resolver/query_exit.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace namegate::resolver {
namespace {

// Those of the rules that a policy has still: it may have been changed while an answer was awaited.
std::vector<const Rule*> StillIn(const Policy& policy, const std::vector<const Rule*>& rules) {
  std::vector<const Rule*> still;
  for (const Rule& rule : policy.rules()) {
    if (std::ranges::any_of(rules, [&](const Rule* held) { return *held == rule; })) {
      still.push_back(&rule);
    }
  }
  return still;
}

// Only here is it known that the row is there: a lease must not point to one that is not.
void GrantLeases(Query& query) {
  const auto now = std::chrono::steady_clock::now();
  const bool changed =
      query.session && query.policy_changes != query.session->retired_policies.size();
  for (Query::Grant& grant : query.grants) {
    if (changed) grant.rules = StillIn(query.session->policy, grant.rules);
    if (grant.rules.empty()) continue;
    query.session->leases.Grant(
        grant.address, {query.qname(), query.row_id, std::move(grant.rules), now + grant.term},
        now);
  }
}

void CountDenial(const Query& query) {
  if (query.session && query.row.verdict == Verdict::kDeny) ++query.session->counters.denials;
}

std::string LedgerFailure(const Query& query) {
  Response failure;
  failure.rcode = rcode::kServFail;
  failure.ede = ede::kNotReady;
  failure.ede_text = "the ledger cannot be written, so nothing is answered";
  const QueryMessage& message = query.parsed.message;
  return BuildResponse(message, failure, ResponseLimit(message, query.transport)).bytes;
}

}  // namespace

QueryExit::QueryExit(uv_loop_t* loop, LedgerWriter& ledger)
    : ledger_(ledger),
      flood_(loop, [this](const CountedQueries& counted) { RecordCounted(counted); }) {}

void QueryExit::Finish(const QueryPtr& query) {
  std::string response = Build(*query);
  FillRow(*query);
  CountDenial(*query);
  ledger_.Submit(std::move(query->row),
                 [this, query, response = std::move(response)](bool committed) {
                   Leave(*query);
                   OnRecorded(*query, response, committed);
                 });
}

void QueryExit::FinishCounted(const QueryPtr& query, FloodCounter::Response response) {
  CountDenial(*query);
  // Nothing more is done for it, so it no longer counts as in flight.
  Leave(*query);
  if (response == FloodCounter::Response::kNone) {
    if (const auto sink = query->sink.lock()) sink->Ignore();
  }
  flood_.Count(query, response);
}

// The one row is committed before any of the responses leaves.
void QueryExit::RecordCounted(const CountedQueries& counted) {
  std::vector<std::pair<QueryPtr, std::string>> responses;
  for (const QueryPtr& query : counted.to_answer) responses.emplace_back(query, Build(*query));
  if (responses.empty()) {
    counted.first->response = Response();
    counted.first->response.rcode = rcode::kNoResponse;
  }
  FillRow(*counted.first);
  QueryRow row = counted.first->row;
  row.count = counted.count;
  ledger_.Submit(std::move(row), [this, responses = std::move(responses)](bool committed) {
    for (const auto& [query, response] : responses) OnRecorded(*query, response, committed);
  });
}

std::string QueryExit::Build(Query& query) {
  const QueryMessage& message = query.parsed.message;
  BuiltResponse built =
      BuildResponse(message, query.response, ResponseLimit(message, query.transport));
  if (built.truncated && query.response.answer) {
    query.row.reason = Reason::kTruncated;
    query.response.answer = nullptr;
    query.grants.clear();
  }
  return std::move(built.bytes);
}

void QueryExit::FillRow(Query& query) {
  const QueryMessage& message = query.parsed.message;
  QueryRow& row = query.row;
  row.id = query.row_id = ledger_.NextQueryId();
  row.client = query.client;
  row.transport = query.transport;
  row.qname = message.qname;
  row.qtype = message.qtype;
  row.qclass = message.qclass;
  row.rcode = query.response.rcode;
  row.ede = message.edns ? query.response.ede : ede::kNone;
  row.answer = query.response.answer;
  row.answer_age_s = query.response.answer_age_s;
  row.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(
                        std::chrono::steady_clock::now() - query.received)
                        .count();
}

void QueryExit::Leave(Query& query) {
  --in_flight_;
  if (query.session) --query.session->queries_in_flight;
}

void QueryExit::OnRecorded(Query& query, const std::string& response, bool committed) {
  // The leases first: the client may connect the moment it has the answer.
  if (committed) GrantLeases(query);
  if (const auto sink = query.sink.lock()) {
    sink->Send(query.client, committed ? response : LedgerFailure(query));
  }
}

}  // namespace namegate::resolver
