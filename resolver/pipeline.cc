#include "resolver/pipeline.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/record_type.h"
#include "resolver/special_names.h"
#include "resolver/wall_clock.h"

namespace namegate::resolver {
namespace {

// How long a denial may be cached: short, because its reader is about to add a rule and try again.
constexpr uint32_t kDenialTtl_s = 5;
// RFC 6895 §3.1: QTYPEs and meta types; of no use to a stub resolver, of much to an attacker.
constexpr uint16_t kFirstMetaType = 128;
constexpr uint16_t kLastMetaType = 255;

bool IsMetaType(uint16_t qtype) { return qtype >= kFirstMetaType && qtype <= kLastMetaType; }

bool IsAddressType(uint16_t qtype) { return qtype == rrtype::kA || qtype == rrtype::kAaaa; }

// The port is not known when a name is asked: 443 stands for it.
std::string RemedyText(const DomainName& qname, uint16_t qtype) {
  const bool by_type = WhyTypeCannotBeAllowed(qtype) == nullptr;
  return "not allowed; to allow it: " + qname.ToText() + (by_type ? "/" + TypeName(qtype) : ":443");
}

std::string TypeRemedyText(const DomainName& qname, uint16_t qtype) {
  const std::string type = TypeName(qtype);
  if (const char* why = WhyTypeCannotBeAllowed(qtype)) {
    return type + " of this name is not allowed: " + why;
  }
  return type + " records are not allowed; to allow them: " + qname.ToText() + "/" + type;
}

std::optional<DomainName> NameIn(const std::string& rdata) {
  return DomainName::FromWire({reinterpret_cast<const uint8_t*>(rdata.data()), rdata.size()});
}

std::vector<const Rule*> PrivateRules(const std::vector<const Rule*>& rules) {
  std::vector<const Rule*> allowed;
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(allowed),
               [](const Rule* rule) { return rule->allow_private; });
  return allowed;
}

// The address of an A or AAAA record; nothing for other types.
std::optional<IpAddress> AddressOf(const Record& record) {
  if (!IsAddressType(record.type)) return std::nullopt;
  return IpAddress(std::span<const uint8_t>(reinterpret_cast<const uint8_t*>(record.rdata.data()),
                                            record.rdata.size()));
}

std::string TroubleText(Reason outcome) {
  switch (outcome) {
    case Reason::kUpstreamTimeout:
      return "no upstream resolver answered in time";
    case Reason::kUpstreamUnreachable:
      return "no upstream resolver can be reached";
    case Reason::kUpstreamRefused:
      return "the upstream resolvers could not answer";
    default:
      return "the upstream's answer cannot be one to this question";
  }
}

int TroubleCode(Reason outcome) {
  const bool silent = outcome == Reason::kUpstreamTimeout || outcome == Reason::kUpstreamRefused;
  return silent ? ede::kNoReachableAuthority : ede::kNetworkError;
}

}  // namespace

Pipeline::Pipeline(uv_loop_t* loop, SessionTable& sessions, Forwarder& forwarder,
                   LedgerWriter& ledger, const PipelineOptions& options)
    : sessions_(sessions),
      forwarder_(forwarder),
      ledger_(ledger),
      cache_(options.cache_entries),
      terms_(options.lease_terms),
      limits_(options.limits),
      deny_(options.deny),
      guard_(options.private_ranges) {
  counted_timer_.Make(this, [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
}

void Pipeline::Handle(const ReceivedQuery& received) {
  // If the ledger cannot keep up, dropping is all that is left: the client asks again.
  if (ledger_.pending() >= kMaxUnrecorded) return;
  const auto query = std::make_shared<Query>();
  query->received = std::chrono::steady_clock::now();
  query->row.time_us = NowMicroseconds();
  query->client = received.client;
  query->transport = received.transport;
  query->sink = received.sink;
  query->parsed = ParseQuery(received.bytes);
  query->session = sessions_.Find(received.session);
  // No question, no answer: replies and fragments must not start a conversation.
  if (query->parsed.fault == QueryFault::kIgnore) return;
  ++in_flight_;
  ++handled_;

  using Stage = Next (Pipeline::*)(Query&);
  static constexpr std::array<Stage, 8> kStages = {
      &Pipeline::Identify,             // first: without a session there is no policy to judge by
      &Pipeline::RefuseUnserviceable,  // before anyone looks at the name: it may not be there
      &Pipeline::LimitSession,         // before any work is done for the query
      &Pipeline::AnswerSpecial,    // before the policy: no rule makes these names leave the host
      &Pipeline::Decide,           // before the cache: what others asked is not this one's
      &Pipeline::WithholdTypes,    // after Decide: types are withheld from allowed names only
      &Pipeline::SpendBudget,      // after all denials, which cost the budget nothing; before
                                   // the cache, so that it does not tell what others asked
      &Pipeline::AnswerFromCache,  // before asking upstream
  };
  for (const Stage stage : kStages) {
    const Next next = (this->*stage)(*query);
    if (next == Next::kContinue) continue;
    return next == Next::kFinish ? Finish(query) : Count(query, next);
  }
  AskUpstream(query);
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
  return Next::kFinish;
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

Pipeline::Next Pipeline::LimitSession(Query& query) {
  const bool in_time = query.session->rate.Take(limits_, query.received);
  if (in_time && query.session->queries_in_flight <= kMaxInFlightPerSession) {
    return Next::kContinue;
  }
  query.row.reason = Reason::kOverloaded;
  query.response.rcode = rcode::kServFail;
  query.response.ede = ede::kNotReady;
  query.response.ede_text = "this session has too many queries in flight";
  return in_time ? Next::kCount : Next::kDrop;
}

Pipeline::Next Pipeline::AnswerSpecial(Query& query) {
  std::optional<SpecialAnswer> special = AnswerSpecialName(query.qname(), query.qtype());
  if (!special && IsReverseName(query.qname())) {
    special = SpecialAnswer{};
    const auto address = ReverseAddress(query.qname());
    if (address && query.qtype() == rrtype::kPtr) {
      for (const DomainName& name : query.session->leases.NamesOf(*address, query.received)) {
        special->exists = true;
        special->records.push_back(
            {query.qname(), rrtype::kPtr, kDenialTtl_s, std::string(name.wire())});
      }
    }
  }
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
  if (!deny_.RulesForName(query.qname()).empty()) {
    DenyByOperator(query, query.qname());
    return Next::kFinish;
  }
  // Octets that no host name has could carry a message through a wildcard rule.
  if (query.qname().HasOnlyHostLabels()) {
    query.rules = query.session->policy.RulesForName(query.qname());
  }
  if (!query.rules.empty()) {
    query.row.verdict = Verdict::kAllow;
    query.row.reason = Reason::kRule;
    query.row.rule = query.rules.front()->text;
    return Next::kContinue;
  }
  const bool ancestor =
      query.qname().is_root() || query.session->policy.HasAllowedNameBelow(query.qname());
  query.row.reason = ancestor ? Reason::kAncestor : Reason::kNotAllowed;
  query.response.rcode = ancestor ? rcode::kNoError : rcode::kNxDomain;
  query.response.negative_ttl_s = kDenialTtl_s;
  query.response.ede = ede::kBlocked;
  query.response.ede_text = RemedyText(query.qname(), query.qtype());
  return Next::kFinish;
}

void Pipeline::DenyByOperator(Query& query, const DomainName& name) {
  query.row.verdict = Verdict::kDeny;
  query.row.reason = Reason::kOperatorDeny;
  query.row.detail = name.ToText();
  query.response.rcode = rcode::kNxDomain;
  query.response.negative_ttl_s = kDenialTtl_s;
  query.response.ede = ede::kBlocked;
  query.response.ede_text = "the operator denies " + name.ToText();
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
  query.response.negative_ttl_s = kDenialTtl_s;
  if (!query.rules.empty()) {
    query.row.reason = Reason::kNoIpv6Route;
  } else if (qtype == rrtype::kHttps || qtype == rrtype::kSvcb) {
    query.row.reason = Reason::kTypeWithheld;
  } else {
    query.row.verdict = Verdict::kDeny;
    query.row.reason = Reason::kTypeNotAllowed;
    query.response.ede = ede::kBlocked;
    query.response.ede_text = TypeRemedyText(query.qname(), qtype);
  }
  return Next::kFinish;
}

// A name that a rule names outright tells its owner nothing; below a wildcard it may tell anything.
Pipeline::Next Pipeline::SpendBudget(Query& query) {
  const Rule& rule = *query.rules.front();
  const bool named = std::any_of(query.rules.begin(), query.rules.end(), [](const Rule* allowing) {
    return allowing->kind == HostKind::kName;
  });
  if (named || query.session->budget.Spend(rule, query.qname(), limits_, query.received)) {
    return Next::kContinue;
  }
  query.row.verdict = Verdict::kDeny;
  query.row.reason = Reason::kTunnelBudget;
  query.response.rcode = rcode::kNxDomain;
  query.response.negative_ttl_s = kDenialTtl_s;
  query.response.ede = ede::kBlocked;
  query.response.ede_text = "this session has asked for too many names below " + rule.text +
                            " within the hour; allow names outright, or raise wildcard_names";
  return Next::kCount;
}

Pipeline::Next Pipeline::AnswerFromCache(Query& query) {
  const AnswerCache::Hit hit = cache_.Find({query.qname(), query.qtype()}, query.received);
  if (!hit.answer) return Next::kContinue;
  query.row.source = Source::kCache;
  UseAnswer(query, *hit.answer, hit.age_s);
  return Next::kFinish;
}

void Pipeline::AskUpstream(const QueryPtr& query) {
  const Question question{query->qname(), query->qtype()};
  // Joining our own question would make both wait for each other. A loop through others ends too,
  // by the deadline, with one question in flight.
  if (forwarder_.IsLoop(question, query->client)) {
    query->row.reason = Reason::kUpstreamLoop;
    query->response.rcode = rcode::kServFail;
    query->response.ede = ede::kNetworkError;
    query->response.ede_text = "this resolver is its own upstream";
    return Finish(query);
  }
  const auto asked =
      forwarder_.Ask(question, [this, query, question](std::shared_ptr<const Answer> answer) {
        UseAnswer(*query, *answer, 0);
        if (query->row.source == Source::kUpstream) {
          cache_.Store(question, std::move(answer), std::chrono::steady_clock::now());
        }
        Finish(query);
      });
  switch (asked) {
    case Forwarder::Asked::kSent:
      query->row.source = Source::kUpstream;
      return;
    case Forwarder::Asked::kJoined:
      query->row.source = Source::kCoalesced;
      return;
    case Forwarder::Asked::kOverloaded:
      break;
  }
  query->row.reason = Reason::kOverloaded;
  query->response.rcode = rcode::kServFail;
  query->response.ede = ede::kNotReady;
  query->response.ede_text = "too many questions to the upstream resolvers are in flight";
  Finish(query);
}

void Pipeline::UseAnswer(Query& query, const Answer& answer, uint32_t age_s) {
  query.response.rcode = answer.rcode;
  if (answer.outcome != Reason::kRule) {
    query.row.reason = answer.outcome;
    query.response.ede = TroubleCode(answer.outcome);
    query.response.ede_text = TroubleText(answer.outcome);
    return;
  }
  if (!PassesDenyList(query, answer) || !PassesGuard(query, answer)) return;
  query.response.answer = answer.records;
  query.response.answer_age_s = age_s;
  if (answer.negative) {
    query.response.negative_ttl_s = answer.ttl_s - std::min(answer.ttl_s, age_s);
  }
  PrepareGrants(query, answer, age_s);
}

// An allowed name may lead through others by CNAME; through none that the operator denies.
bool Pipeline::PassesDenyList(Query& query, const Answer& answer) {
  if (!answer.records || deny_.rules().empty()) return true;
  for (const Record& record : *answer.records) {
    const auto target = record.type == rrtype::kCname ? NameIn(record.rdata) : std::nullopt;
    if (!target || deny_.RulesForName(*target).empty()) continue;
    DenyByOperator(query, *target);
    return false;
  }
  return true;
}

// One bad address drops the whole answer: a mixed one is how rebinding gets past the first look.
bool Pipeline::PassesGuard(Query& query, const Answer& answer) {
  if (!answer.records || !PrivateRules(query.rules).empty()) return true;
  for (const Record& record : *answer.records) {
    const auto address = AddressOf(record);
    if (!address || !guard_.IsSuspect(*address)) continue;
    query.row.verdict = Verdict::kDeny;
    query.row.reason = Reason::kRebinding;
    query.row.detail = address->ToText();
    query.response.rcode = rcode::kNxDomain;
    query.response.negative_ttl_s = kDenialTtl_s;
    query.response.ede = ede::kBlocked;
    query.response.ede_text = "the answer holds the private address " + address->ToText() +
                              "; to allow that: allow-private " + query.qname().ToText() + ":443";
    return false;
  }
  return true;
}

void Pipeline::PrepareGrants(Query& query, const Answer& answer, uint32_t age_s) {
  if (!answer.records) return;
  for (const Record& record : *answer.records) {
    const auto address = AddressOf(record);
    if (!address) continue;
    // A private address is leased under the rules that ask for it, not under others for the name.
    auto rules = guard_.IsSuspect(*address) ? PrivateRules(query.rules) : query.rules;
    const std::chrono::seconds ttl(record.ttl_s - std::min(record.ttl_s, age_s));
    query.grants.push_back(
        {*address, std::move(rules), std::max(ttl, terms_.floor) + terms_.grace});
  }
}

std::string Pipeline::Complete(Query& query) {
  const QueryMessage& message = query.parsed.message;
  BuiltResponse built =
      BuildResponse(message, query.response, ResponseLimit(message, query.transport));
  if (built.truncated && query.response.answer) {
    query.row.reason = Reason::kTruncated;
    query.response.answer = nullptr;
    query.grants.clear();
  }
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
  return std::move(built.bytes);
}

void Pipeline::Finish(const QueryPtr& query) {
  std::string response = Complete(*query);
  if (query->session && query->row.verdict == Verdict::kDeny) ++query->session->counters.denials;
  ledger_.Submit(std::move(query->row),
                 [this, query, response = std::move(response)](bool committed) {
                   Leave(*query);
                   OnRecorded(*query, response, committed);
                 });
}

// A flood must not fill the disk: what is past a limit shares one row, which is committed before
// any of the responses leaves.
void Pipeline::Count(const QueryPtr& query, Next next) {
  ++query->session->counters.denials;
  const CountedKey key{query->session->id, query->row.reason};
  Counted& counted = counted_[key];
  if (!counted.first) counted.first = query;
  ++counted.count;
  // Nothing more is done for it, so it no longer counts as in flight.
  Leave(*query);
  if (next == Next::kCount) counted.to_answer.push_back(query);
  if (counted.to_answer.size() >= kMaxCounted) {
    const auto node = counted_.extract(key);
    return RecordCounted(node.mapped());
  }
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(counted_timer_.get())) != 0) return;
  uv_timer_start(
      counted_timer_.get(),
      [](uv_timer_t* timer) { static_cast<Pipeline*>(timer->data)->FlushCounted(); },
      kCountedWindow_ms, 0);
}

void Pipeline::FlushCounted() {
  for (const auto& [key, counted] : std::exchange(counted_, {})) RecordCounted(counted);
}

void Pipeline::RecordCounted(const Counted& counted) {
  std::vector<std::pair<QueryPtr, std::string>> responses;
  for (const QueryPtr& query : counted.to_answer) responses.emplace_back(query, Complete(*query));
  if (responses.empty()) Complete(*counted.first);
  QueryRow row = counted.first->row;
  row.count = counted.count;
  ledger_.Submit(std::move(row), [this, responses = std::move(responses)](bool committed) {
    for (const auto& [query, response] : responses) OnRecorded(*query, response, committed);
  });
}

void Pipeline::Grant(Session& session, const DomainName& qname, const IpAddress& address,
                     int64_t query_id, std::chrono::microseconds term) {
  // The operator's lists may have changed since.
  if (!deny_.RulesForName(qname).empty()) return;
  auto rules = session.policy.RulesForName(qname);
  if (guard_.IsSuspect(address)) rules = PrivateRules(rules);
  if (rules.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  session.leases.Grant(address, {qname, query_id, std::move(rules), now + term}, now);
}

void Pipeline::Leave(Query& query) {
  --in_flight_;
  if (query.session) --query.session->queries_in_flight;
}

void Pipeline::OnRecorded(Query& query, const std::string& response, bool committed) {
  const auto sink = query.sink.lock();
  if (committed) {
    // The leases first: the client may connect the moment it has the answer.
    const auto now = std::chrono::steady_clock::now();
    for (Query::Grant& grant : query.grants) {
      query.session->leases.Grant(
          grant.address, {query.qname(), query.row_id, std::move(grant.rules), now + grant.term},
          now);
    }
    if (sink) sink->Send(query.client, response);
    return;
  }
  if (!sink) return;
  Response failure;
  failure.rcode = rcode::kServFail;
  failure.ede = ede::kNotReady;
  failure.ede_text = "the ledger cannot be written, so nothing is answered";
  const QueryMessage& message = query.parsed.message;
  sink->Send(query.client,
             BuildResponse(message, failure, ResponseLimit(message, query.transport)).bytes);
}

}  // namespace namegate::resolver
