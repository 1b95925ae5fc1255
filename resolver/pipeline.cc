#include "resolver/pipeline.h"

#include <algorithm>
#include <array>

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

std::string RemedyText(const DomainName& qname) {
  return "not allowed; to allow it: " + qname.ToText() + ":443";
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

Pipeline::Pipeline(SessionTable& sessions, Forwarder& forwarder, LedgerWriter& ledger,
                   size_t cache_entries, LeaseTerms terms)
    : sessions_(sessions),
      forwarder_(forwarder),
      ledger_(ledger),
      cache_(cache_entries),
      terms_(terms) {}

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

  using Stage = bool (Pipeline::*)(Query&);
  static constexpr std::array<Stage, 7> kStages = {
      &Pipeline::Identify,             // first: without a session there is no policy to judge by
      &Pipeline::RefuseUnserviceable,  // before anyone looks at the name: it may not be there
      &Pipeline::LimitSession,         // before any work is done for the query
      &Pipeline::AnswerSpecial,    // before the policy: no rule makes these names leave the host
      &Pipeline::Decide,           // before the cache: what another session asked is not this one's
      &Pipeline::WithholdTypes,    // after Decide: types are withheld from allowed names only
      &Pipeline::AnswerFromCache,  // before asking upstream
  };
  for (const Stage stage : kStages) {
    if ((this->*stage)(*query)) return Finish(query);
  }
  AskUpstream(query);
}

bool Pipeline::Identify(Query& query) {
  if (!query.session) query.session = sessions_.FindByClient(query.client.address);
  if (query.session) {
    query.row.session = query.session->id;
    ++query.session->counters.queries;
    ++query.session->queries_in_flight;
    return false;
  }
  query.row.reason = Reason::kUnknownSession;
  query.response.rcode = rcode::kRefused;
  query.response.ede = ede::kProhibited;
  query.response.ede_text = "no session is open for " + query.client.address.ToText();
  return true;
}

bool Pipeline::RefuseUnserviceable(Query& query) {
  const auto refuse = [&](Reason reason, uint16_t rcode) {
    query.row.reason = reason;
    query.response.rcode = rcode;
    return true;
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
  return false;
}

bool Pipeline::LimitSession(Query& query) {
  if (query.session->queries_in_flight <= kMaxInFlightPerSession) return false;
  query.row.reason = Reason::kOverloaded;
  query.response.rcode = rcode::kServFail;
  query.response.ede = ede::kNotReady;
  query.response.ede_text = "this session has too many queries in flight";
  return true;
}

bool Pipeline::AnswerSpecial(Query& query) {
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
  if (!special) return false;
  query.row.verdict = Verdict::kAllow;
  query.row.reason = Reason::kSpecialName;
  query.response.rcode = special->exists ? rcode::kNoError : rcode::kNxDomain;
  if (special->records.empty()) {
    query.response.negative_ttl_s = kDenialTtl_s;
  } else {
    query.response.answer = std::make_shared<const AnswerSet>(std::move(special->records));
  }
  return true;
}

bool Pipeline::Decide(Query& query) {
  // Octets that no host name has could carry a message through a wildcard rule.
  if (query.qname().HasOnlyHostLabels()) {
    query.rules = query.session->policy.RulesForName(query.qname());
  }
  if (!query.rules.empty()) {
    query.row.verdict = Verdict::kAllow;
    query.row.reason = Reason::kRule;
    query.row.rule = query.rules.front()->text;
    return false;
  }
  const bool ancestor =
      query.qname().is_root() || query.session->policy.HasAllowedNameBelow(query.qname());
  query.row.reason = ancestor ? Reason::kAncestor : Reason::kNotAllowed;
  query.response.rcode = ancestor ? rcode::kNoError : rcode::kNxDomain;
  query.response.negative_ttl_s = kDenialTtl_s;
  query.response.ede = ede::kBlocked;
  query.response.ede_text = RemedyText(query.qname());
  return true;
}

bool Pipeline::WithholdTypes(Query& query) {
  const uint16_t qtype = query.qtype();
  const bool service_binding = qtype == rrtype::kHttps || qtype == rrtype::kSvcb;
  // A private network may well have IPv6 of its own where the internet's is missing.
  const bool no_route =
      qtype == rrtype::kAaaa && PrivateRules(query.rules).empty() && !ipv6_.Available();
  if (IsAddressType(qtype) && !no_route) return false;
  query.response.negative_ttl_s = kDenialTtl_s;
  if (no_route) {
    query.row.reason = Reason::kNoIpv6Route;
  } else if (service_binding) {
    query.row.reason = Reason::kTypeWithheld;
  } else {
    query.row.verdict = Verdict::kDeny;
    query.row.reason = Reason::kTypeNotAllowed;
    query.response.ede = ede::kBlocked;
    query.response.ede_text = "only address records are answered";
  }
  return true;
}

bool Pipeline::AnswerFromCache(Query& query) {
  const AnswerCache::Hit hit = cache_.Find({query.qname(), query.qtype()}, query.received);
  if (!hit.answer) return false;
  query.row.source = Source::kCache;
  UseAnswer(query, *hit.answer, hit.age_s);
  return true;
}

void Pipeline::AskUpstream(const QueryPtr& query) {
  const Question question{query->qname(), query->qtype()};
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
  if (!PassesGuard(query, answer)) return;
  query.response.answer = answer.records;
  query.response.answer_age_s = age_s;
  if (answer.negative) {
    query.response.negative_ttl_s = answer.ttl_s - std::min(answer.ttl_s, age_s);
  }
  PrepareGrants(query, answer, age_s);
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

void Pipeline::Finish(const QueryPtr& query) {
  const QueryMessage& message = query->parsed.message;
  BuiltResponse built =
      BuildResponse(message, query->response, ResponseLimit(message, query->transport));
  if (built.truncated && query->response.answer) {
    query->row.reason = Reason::kTruncated;
    query->response.answer = nullptr;
    query->grants.clear();
  }
  QueryRow& row = query->row;
  row.id = ledger_.NextQueryId();
  row.client = query->client;
  row.transport = query->transport;
  row.qname = message.qname;
  row.qtype = message.qtype;
  row.qclass = message.qclass;
  row.rcode = query->response.rcode;
  row.ede = message.edns ? query->response.ede : ede::kNone;
  row.answer = query->response.answer;
  row.answer_age_s = query->response.answer_age_s;
  row.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(
                        std::chrono::steady_clock::now() - query->received)
                        .count();
  if (query->session && row.verdict == Verdict::kDeny) ++query->session->counters.denials;
  query->row_id = row.id;
  ledger_.Submit(std::move(row), [this, query, bytes = std::move(built.bytes)](bool committed) {
    OnRecorded(*query, bytes, committed);
  });
}

void Pipeline::OnRecorded(Query& query, const std::string& response, bool committed) {
  --in_flight_;
  if (query.session) --query.session->queries_in_flight;
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
