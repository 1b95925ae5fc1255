#include "resolver/answer_judge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "resolver/rdata_reader.h"
#include "resolver/verdicts.h"

namespace namegate::resolver {

std::vector<const Rule*> PrivateRules(const std::vector<const Rule*>& rules) {
  std::vector<const Rule*> allowed;
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(allowed),
               [](const Rule* rule) { return rule->allow_private; });
  return allowed;
}

AnswerJudge::AnswerJudge(const std::vector<Rule>& deny, const std::vector<IpPrefix>& private_ranges,
                         LeaseTerms terms)
    : deny_(deny), guard_(private_ranges), terms_(terms) {}

void AnswerJudge::Use(Query& query, const Answer& answer, uint32_t age_s) {
  if (answer.outcome != Reason::kRule) return FailUpstream(query, answer.outcome);
  guard_.FollowHost();
  if (!PassesDenyList(query, answer) || !PassesGuard(query, answer)) return;
  query.response.rcode = answer.rcode;
  query.response.answer = answer.records;
  query.response.answer_age_s = age_s;
  if (answer.negative) {
    query.response.negative_ttl_s = answer.ttl_s - std::min(answer.ttl_s, age_s);
  }
  if (CannotFit(query, answer)) {
    query.row.reason = Reason::kTruncated;
    query.response.truncated = true;
    query.response.answer = nullptr;
    return;
  }
  PrepareGrants(query, answer, age_s);
}

// An allowed name may lead through others by CNAME; through none that the operator denies.
bool AnswerJudge::PassesDenyList(Query& query, const Answer& answer) const {
  if (!answer.records || deny_.rules().empty()) return true;
  for (const Record& record : *answer.records) {
    const auto target = CnameTarget(record);
    if (!target || !Denies(*target)) continue;
    DenyByOperator(query, *target);
    return false;
  }
  return true;
}

// One bad address drops the whole answer: a mixed one is how rebinding gets past the first look.
bool AnswerJudge::PassesGuard(Query& query, const Answer& answer) const {
  if (!answer.records || !PrivateRules(query.rules).empty()) return true;
  for (const Record& record : *answer.records) {
    const auto address = AddressIn(record);
    if (!address || !guard_.IsSuspect(*address)) continue;
    Deny(query, Reason::kRebinding,
         "the answer holds the private address " + address->ToText() +
             "; to allow that: allow-private " + query.qname().ToText() + ":443");
    query.row.detail = address->ToText();
    return false;
  }
  return true;
}

// Known before any lease is prepared: many records over UDP are much work for nothing.
bool AnswerJudge::CannotFit(const Query& query, const Answer& answer) {
  const QueryMessage& message = query.parsed.message;
  return answer.records &&
         LeastResponseSize(message, *answer.records) > ResponseLimit(message, query.transport);
}

void AnswerJudge::PrepareGrants(Query& query, const Answer& answer, uint32_t age_s) const {
  if (!answer.records) return;
  const auto private_rules = PrivateRules(query.rules);
  for (const Record& record : *answer.records) {
    const auto address = AddressIn(record);
    if (!address) continue;
    // A private address is leased under the rules that ask for it, not under others for the name.
    // Without such rules the guard has let none through.
    const bool suspect = !private_rules.empty() && guard_.IsSuspect(*address);
    auto rules = suspect ? private_rules : query.rules;
    const std::chrono::seconds ttl(record.ttl_s - std::min(record.ttl_s, age_s));
    query.grants.push_back(
        {*address, std::move(rules), std::max(ttl, terms_.floor) + terms_.grace});
  }
}

std::vector<const Rule*> AnswerJudge::RulesFor(const Policy& policy, const DomainName& name,
                                               const IpAddress& address) {
  if (Denies(name)) return {};
  guard_.FollowHost();
  auto rules = policy.RulesForName(name);
  return guard_.IsSuspect(address) ? PrivateRules(rules) : rules;
}

}  // namespace namegate::resolver
