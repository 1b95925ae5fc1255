#pragma once

#include <optional>

#include "common/domain_name.h"
#include "common/ip_address.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// What a name that is never forwarded is answered with: NXDOMAIN, or the records (none: NODATA).
struct SpecialAnswer {
  bool exists = false;
  AnswerSet records;
};

// The names that end here whatever the policy says: localhost (RFC 6761 §6.3), invalid (§6.4),
// onion (RFC 7686), alt (RFC 9476), resolver.arpa (RFC 9462), the canary use-application-dns.net,
// and the reverse zones, for which see ReverseAddress(). The other special-use names (test, local,
// internal, home.arpa …) are ordinary here: denied like every name, until a rule of the operator
// names them.
std::optional<SpecialAnswer> AnswerSpecialName(const DomainName& qname, uint16_t qtype);

// True for names at or below in-addr.arpa and ip6.arpa, and for arpa itself.
bool IsReverseName(const DomainName& qname);

// True for reverse names that are too short for an address: those of addresses are below them.
bool IsAboveAddresses(const DomainName& qname);

// The address that a whole reverse name stands for (RFC 1035 §3.5, RFC 3596 §2.5).
std::optional<IpAddress> ReverseAddress(const DomainName& qname);

}  // namespace namegate::resolver
