#pragma once

// How a query that gets no answer is settled: the response that its client can make sense of, the
// words that a person can act upon, and what the row says.

#include <string>

#include "common/domain_name.h"
#include "common/reason.h"
#include "resolver/query.h"

namespace namegate::resolver {

// A denial that a stub resolver can cache and whose reader learns why: NXDOMAIN, SOA, EDE 15.
void Deny(Query& query, Reason reason, std::string why);
// The same for a name on the operator's list: the one that was asked, or one it led through.
void DenyByOperator(Query& query, const DomainName& name);
// No rule is for the name, which may be an ancestor of one that a rule is for: that one exists, or
// those who heed RFC 8020 would not ask for the name below it.
void DenyByBudget(Query& query, const Rule& wildcard);
void DenyUnruled(Query& query, bool ancestor);
// The rules for the name are not for this type.
void DenyType(Query& query);

// Trouble that may pass: SERVFAIL with this extended error.
void Fail(Query& query, Reason reason, int ede, std::string why);
// The same for what became of asking the upstreams.
void FailUpstream(Query& query, Reason outcome);

}  // namespace namegate::resolver
