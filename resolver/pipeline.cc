#include "resolver/pipeline.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/record_type.h"
#include "common/wall_clock.h"
#include "resolver/verdicts.h"

namespace namegate::resolver {

Pipeline::Pipeline(uv_loop_t* loop, SessionTable& sessions, Forwarder& forwarder,
                   LedgerWriter& ledger, const PipelineOptions& options)
    : sessions_(sessions),
      forwarder_(forwarder),
      cache_(options.cache_entries),
      limits_(options.limits),
      judge_(options.deny, options.private_ranges, options.lease_terms),
      exit_(loop, ledger) {}

void Pipeline::Handle(const ReceivedQuery& received) {
  const auto query = std::make_shared<Query>();
  query->received = std::chrono::steady_clock::now();
  query->row.time_us = NowMicroseconds();
  query->client = received.client;
  query->transport = received.transport;
  query->sink = received.sink;
  query->parsed = ParseQuery(received.bytes);
  query->session = sessions_.Find(received.session);
  // No question, no answer: replies and fragments must not start a conversation.
  if (query->parsed.fault == QueryFault::kIgnore) return Ignore(received);
  exit_.Expect();
  ++handled_;

  using Stage = Next (Pipeline::*)(Query&);
  static constexpr std::array<Stage, 8> kStages = {
      &Pipeline::Identify,      // first: without a session there is no policy to judge by
      &Pipeline::LimitSession,  // before any work is done for the query, and a row for its faults
      &Pipeline::RefuseUnserviceable,  // before anyone looks at the name: it may not be there
      &Pipeline::AnswerSpecial,    // before the policy: no rule makes these names leave the host
      &Pipeline::Decide,           // before the cache: what others asked is not this one's
      &Pipeline::WithholdTypes,    // after Decide: types are withheld from allowed names only
      &Pipeline::SpendBudget,      // after all denials, which cost the budget nothing; before
                                   // the cache, so that it does not tell what others asked
      &Pipeline::AnswerFromCache,  // before asking upstream
  };
  for (const Stage stage : kStages) {
    const Next next = (this->*stage)(*query);
    if (next != Next::kContinue) return Leave(query, next);
  }
  AskUpstream(query);
}

void Pipeline::Ignore(const ReceivedQuery& received) {
  if (const auto sink = received.sink.lock()) sink->Ignore();
}

void Pipeline::Leave(const QueryPtr& query, Next next) {
  if (next == Next::kFinish) return exit_.Finish(query);
  exit_.FinishCounted(
      query, next == Next::kCount ? FloodCounter::Response::kDue : FloodCounter::Response::kNone);
}

Pipeline::Next Pipeline::Identify(Query& query) {
  if (!query.session) query.session = sessions_.FindByClient(query.client.address);
  if (query.session) {
    query.row.session = query.session->id;
    ++query.session->counters.queries;
    ++query.session->queries_in_flight;
    return Next::kContinue;
  }
  query.row.reason = Reason::kUnknownSession;
  query.response.rcode = rcode::kRefused;
  query.response.ede = ede::kProhibited;
  query.response.ede_text = "no session is open for " + query.client.address.ToText();
  // They have nothing to ask, so they may not fill the ledger either.
  return strangers_.Take(kStrangersPerSecond, query.received) ? Next::kFinish : Next::kDrop;
}

Pipeline::Next Pipeline::RefuseUnserviceable(Query& query) {
  const auto refuse = [&](Reason reason, uint16_t rcode) {
    query.row.reason = reason;
    query.response.rcode = rcode;
    return Next::kFinish;
  };
  switch (query.parsed.fault) {
    case QueryFault::kNotImplemented:
      return refuse(Reason::kNotImplemented, rcode::kNotImp);
    case QueryFault::kBadEdnsVersion:
      return refuse(Reason::kBadEdnsVersion, rcode::kBadVers);
    case QueryFault::kIgnore:
    case QueryFault::kMalformed:
      return refuse(Reason::kMalformed, rcode::kFormErr);
    case QueryFault::kNone:
      break;
  }
  if (query.parsed.message.qclass != kClassIn) {
    return refuse(Reason::kClassNotSupported, rcode::kRefused);
  }
  if (query.qtype() == rrtype::kOpt) return refuse(Reason::kMalformed, rcode::kFormErr);
  if (IsMetaType(query.qtype())) return refuse(Reason::kTypeNotAllowed, rcode::kRefused);
  return Next::kContinue;
}

// A rate above the session's is answered with silence: what is sent back could be a flood too. So
// is all while the ledger cannot keep up: the client asks again.
Pipeline::Next Pipeline::LimitSession(Query& query) {
  const bool in_time =
      query.session->rate.Take(limits_.queries_per_s, query.received) && !exit_.IsBlocked();
  if (in_time && query.session->queries_in_flight <= kMaxInFlightPerSession) {
    return Next::kContinue;
  }
  Fail(query, Reason::kOverloaded, ede::kNotReady, "this session has too many queries in flight");
  return in_time ? Next::kCount : Next::kDrop;
}

// From the session's leases, and of the names above those of addresses, that they exist: below a
// name that does not, nothing does (RFC 8020).
SpecialAnswer Pipeline::ReverseAnswer(const Query& query) {
  SpecialAnswer answer{IsAboveAddresses(query.qname()), {}};
  const auto address = ReverseAddress(query.qname());
  if (!address) return answer;
  for (const DomainName& name : query.session->leases.NamesOf(*address, query.received)) {
    answer.exists = true;
    if (query.qtype() != rrtype::kPtr) continue;
    answer.records.push_back({query.qname(), rrtype::kPtr, kDenialTtl_s, std::string(name.wire())});
  }
  return answer;
}

Pipeline::Next Pipeline::AnswerSpecial(Query& query) {
  std::optional<SpecialAnswer> special = AnswerSpecialName(query.qname(), query.qtype());
  if (!special && IsReverseName(query.qname())) special = ReverseAnswer(query);
  if (!special) return Next::kContinue;
  query.row.verdict = Verdict::kAllow;
  query.row.reason = Reason::kSpecialName;
  query.response.rcode = special->exists ? rcode::kNoError : rcode::kNxDomain;
  if (special->records.empty()) {
    query.response.negative_ttl_s = kDenialTtl_s;
  } else {
    query.response.answer = std::make_shared<const AnswerSet>(std::move(special->records));
  }
  return Next::kFinish;
}

Pipeline::Next Pipeline::Decide(Query& query) {
  if (judge_.Denies(query.qname())) {
    DenyByOperator(query, query.qname());
    return Next::kFinish;
  }
  // Octets that no host name has could carry a message through a wildcard rule.
  if (query.qname().HasOnlyHostLabels()) {
    query.rules = query.session->policy.RulesForName(query.qname());
    query.policy_changes = query.session->retired_policies.size();
  }
  if (query.rules.empty()) {
    DenyUnruled(
        query, query.qname().is_root() || query.session->policy.HasAllowedNameBelow(query.qname()));
    return Next::kFinish;
  }
  query.row.verdict = Verdict::kAllow;
  query.row.reason = Reason::kRule;
  query.row.rule = query.rules.front()->text;
  return Next::kContinue;
}

Pipeline::Next Pipeline::WithholdTypes(Query& query) {
  const uint16_t qtype = query.qtype();
  const auto opens = [qtype](const Rule* rule) {
    return IsAddressType(qtype) ? !rule->ports.empty() : rule->CoversType(qtype);
  };
  std::erase_if(query.rules, [&](const Rule* rule) { return !opens(rule); });
  // A private network may well have IPv6 of its own where the internet's is missing.
  const bool no_route =
      qtype == rrtype::kAaaa && PrivateRules(query.rules).empty() && !ipv6_.Available();
  if (!query.rules.empty() && !no_route) {
    query.row.rule = query.rules.front()->text;
    return Next::kContinue;
  }
  const bool by_rule = !query.rules.empty();
  if (!by_rule && qtype != rrtype::kHttps && qtype != rrtype::kSvcb) {
    DenyType(query);
    return Next::kFinish;
  }
  // Nobody needs to be told: programs ask for these of themselves, and do well without.
  query.row.reason = by_rule ? Reason::kNoIpv6Route : Reason::kTypeWithheld;
  query.response.negative_ttl_s = kDenialTtl_s;
  return Next::kFinish;
}

// A name that a rule names outright tells its owner nothing; below a wildcard it may tell anything.
Pipeline::Next Pipeline::SpendBudget(Query& query) {
  const Rule& rule = *query.rules.front();
  const bool named = std::any_of(query.rules.begin(), query.rules.end(), [](const Rule* allowing) {
    return allowing->kind == HostKind::kName;
  });
  if (named) return Next::kContinue;
  if (query.session->budget.Spend(rule, query.qname(), limits_, query.received)) {
    query.wildcard = &rule;
    return Next::kContinue;
  }
  DenyByBudget(query, rule);
  return Next::kCount;
}

Pipeline::Next Pipeline::AnswerFromCache(Query& query) {
  const AnswerCache::Hit hit = cache_.Find({query.qname(), query.qtype()}, query.received);
  if (!hit.answer) return Next::kContinue;
  query.row.source = Source::kCache;
  UseAnswer(query, *hit.answer, hit.age_s);
  return Next::kFinish;
}

void Pipeline::UseAnswer(Query& query, const Answer& answer, uint32_t age_s) {
  judge_.Use(query, answer, age_s);
  // What many records cost is the session's own to pay, so that the owner of an allowed name cannot
  // help it to keep the others waiting.
  const size_t records = answer.records ? answer.records->size() : 0;
  query.session->rate.Charge(limits_.queries_per_s, records / kRecordsPerQuery);
}

void Pipeline::AskUpstream(const QueryPtr& query) {
  const Question question{query->qname(), query->qtype()};
  // Joining our own question would make both wait for each other. A loop through others ends too,
  // by the deadline, with one question in flight.
  if (forwarder_.IsLoop(question, query->client)) {
    Fail(*query, Reason::kUpstreamLoop, ede::kNetworkError, "this resolver is its own upstream");
    return exit_.Finish(query);
  }
  if (query->wildcard != nullptr && !query->session->budget.HasOctets(*query->wildcard, limits_)) {
    DenyByBudget(*query, *query->wildcard);
    return Leave(query, Next::kCount);
  }
  const auto asked = forwarder_.Ask(
      question, query->session->asking_upstream,
      [this, query](const std::shared_ptr<const Answer>& answer) { OnAnswer(query, answer); });
  switch (asked) {
    case Forwarder::Asked::kSent:
      ++query->session->asking_upstream;
      if (query->wildcard != nullptr) query->session->budget.SpendQuestion(*query->wildcard);
      query->row.source = Source::kUpstream;
      return;
    case Forwarder::Asked::kJoined:
      query->row.source = Source::kCoalesced;
      return;
    case Forwarder::Asked::kOverloaded:
      break;
  }
  query->row.verdict = Verdict::kDeny;
  Fail(*query, Reason::kOverloaded, ede::kNotReady,
       "this session has too many questions to the upstream resolvers in flight");
  Leave(query, Next::kCount);
}

void Pipeline::OnAnswer(const QueryPtr& query, const std::shared_ptr<const Answer>& answer) {
  UseAnswer(*query, *answer, 0);
  // Once for all who waited for it.
  if (query->row.source == Source::kUpstream) {
    --query->session->asking_upstream;
    cache_.Store({query->qname(), query->qtype()}, answer, std::chrono::steady_clock::now());
  }
  exit_.Finish(query);
}

void Pipeline::Grant(Session& session, const DomainName& qname, const IpAddress& address,
                     int64_t query_id, std::chrono::microseconds term) {
  // The operator's lists may have changed since.
  auto rules = judge_.RulesFor(session.policy, qname, address);
  if (rules.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  session.leases.Grant(address, {qname, query_id, std::move(rules), now + term}, now);
}

void Pipeline::ChangePolicy(Session& session, std::vector<Rule> rules) {
  session.ChangePolicy(std::move(rules));
  session.leases.Reapply([&](const DomainName& name, const IpAddress& address) {
    return judge_.RulesFor(session.policy, name, address);
  });
}

}  // namespace namegate::resolver
