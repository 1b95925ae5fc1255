#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/domain_name.h"
#include "common/endpoint.h"
#include "common/policy.h"
#include "common/reason.h"

namespace namegate::resolver {

// How long a lease holds: max(TTL, floor) + grace, and from its last use as long again.
struct LeaseTerms {
  std::chrono::seconds floor{60};
  std::chrono::seconds grace{30};
};

// What admits connections to one address: the name it was answered for, and the rules for that
// name.
struct Lease {
  DomainName name;
  int64_t query_id = 0;            // the query whose answer held the address last
  std::vector<const Rule*> rules;  // of the session's policy, which outlives the lease
  std::chrono::steady_clock::time_point expires;
};

// The judgement of one connection attempt by leases.
struct LeaseVerdict {
  Reason reason = Reason::kNoLease;  // kLease: allowed
  const Lease* lease = nullptr;      // the lease that decided; valid until the table next changes
  const Rule* rule = nullptr;        // the rule that covers the port, if allowed
};

// The leases of one session: address → the names it was answered for. One address may belong to
// many names (shared hosting, CDNs), and one name to hundreds of addresses. Leases that ended stay
// until their room is needed, so that a denial can say "expired" and name the name.
class LeaseTable {
 public:
  using Clock = std::chrono::steady_clock;

  // A session that collects more is up to something; the leases that end first make room.
  static constexpr size_t kMaxAddresses = 65'536;
  // Names kept per address; beyond it the lease that ends first makes room.
  static constexpr size_t kMaxNamesPerAddress = 64;

  // Grants a lease until `expires`, or extends the one that this name has for the address.
  void Grant(const IpAddress& address, Lease lease, Clock::time_point now);

  // Judges an attempt. A lease that admits one is extended to at least `extended_until`.
  LeaseVerdict Check(const IpAddress& address, uint16_t port, Protocol protocol,
                     Clock::time_point now, Clock::time_point extended_until);

  // The names an address is leased for at `now`, for PTR.
  std::vector<DomainName> NamesOf(const IpAddress& address, Clock::time_point now) const;

  // Gives every lease the rules that `rules_of` has for its name and address; those for which there
  // are none end at once.
  using RulesOf = std::function<std::vector<const Rule*>(const DomainName&, const IpAddress&)>;
  void Reapply(const RulesOf& rules_of);

  // Addresses with a lease or the memory of one.
  size_t size() const { return leases_.size(); }

 private:
  void MakeRoom(Clock::time_point now);

  std::unordered_map<IpAddress, std::vector<Lease>> leases_;
};

}  // namespace namegate::resolver
