#include "resolver/verdicts.h"

#include <utility>

#include "common/record_type.h"

namespace namegate::resolver {
namespace {

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

}  // namespace

void Deny(Query& query, Reason reason, std::string why) {
  query.row.verdict = Verdict::kDeny;
  query.row.reason = reason;
  query.response.rcode = rcode::kNxDomain;
  query.response.negative_ttl_s = kDenialTtl_s;
  query.response.ede = ede::kBlocked;
  query.response.ede_text = std::move(why);
}

void DenyByOperator(Query& query, const DomainName& name) {
  Deny(query, Reason::kOperatorDeny, "the operator denies " + name.ToText());
  query.row.detail = name.ToText();
}

void DenyByBudget(Query& query, const Rule& wildcard) {
  Deny(query, Reason::kTunnelBudget,
       "this session has asked for too much below " + wildcard.text +
           " within the hour; allow names outright, or raise wildcard_names and wildcard_octets");
}

void DenyUnruled(Query& query, bool ancestor) {
  Deny(query, ancestor ? Reason::kAncestor : Reason::kNotAllowed,
       RemedyText(query.qname(), query.qtype()));
  if (ancestor) query.response.rcode = rcode::kNoError;
}

void DenyType(Query& query) {
  Deny(query, Reason::kTypeNotAllowed, TypeRemedyText(query.qname(), query.qtype()));
  query.response.rcode = rcode::kNoError;
}

void Fail(Query& query, Reason reason, int ede, std::string why) {
  query.row.reason = reason;
  query.response.rcode = rcode::kServFail;
  query.response.ede = ede;
  query.response.ede_text = std::move(why);
}

void FailUpstream(Query& query, Reason outcome) {
  const bool silent = outcome == Reason::kUpstreamTimeout || outcome == Reason::kUpstreamRefused;
  Fail(query, outcome, silent ? ede::kNoReachableAuthority : ede::kNetworkError,
       TroubleText(outcome));
}

}  // namespace namegate::resolver
