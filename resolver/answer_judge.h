#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "common/ip_address.h"
#include "common/policy.h"
#include "resolver/answer.h"
#include "resolver/lease_table.h"
#include "resolver/query.h"
#include "resolver/rebinding_guard.h"

namespace namegate::resolver {

// Rules among these that allow private addresses.
std::vector<const Rule*> PrivateRules(const std::vector<const Rule*>& rules);

// What a query gets of an answer, which others may have asked for: all of it with a lease for every
// address, or nothing. Judges each time anew, because sessions differ, and the operator's lists and
// the host's addresses change while an answer is cached.
class AnswerJudge {
 public:
  // `deny`: names that no session may resolve, or be led through. `private_ranges`: addresses that
  // the rebinding guard suspects as well.
  AnswerJudge(const std::vector<Rule>& deny, const std::vector<IpPrefix>& private_ranges,
              LeaseTerms terms);

  // True if the operator denies the name.
  bool Denies(const DomainName& name) const { return !deny_.RulesForName(name).empty(); }

  // Settles the query by an answer that is `age_s` old: the response, the row, what to grant.
  void Use(Query& query, const Answer& answer, uint32_t age_s);

  // The rules of a policy that let this name have this address; none: it is not to be leased.
  std::vector<const Rule*> RulesFor(const Policy& policy, const DomainName& name,
                                    const IpAddress& address);

 private:
  bool PassesDenyList(Query& query, const Answer& answer) const;
  bool PassesGuard(Query& query, const Answer& answer) const;
  static bool CannotFit(const Query& query, const Answer& answer);
  void PrepareGrants(Query& query, const Answer& answer, uint32_t age_s) const;

  Policy deny_;
  RebindingGuard guard_;
  LeaseTerms terms_;
};

}  // namespace namegate::resolver
