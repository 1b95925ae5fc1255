#include "resolver/answer.h"

#include <algorithm>

namespace namegate::resolver {
namespace {

std::optional<DomainName> TargetOf(const Record& cname) {
  return DomainName::FromWire(
      {reinterpret_cast<const uint8_t*>(cname.rdata.data()), cname.rdata.size()});
}

// RFC 2308 §5: the lesser of the SOA's TTL and its MINIMUM, the last four octets of its RDATA.
uint32_t NegativeTtl(const ResponseMessage& response) {
  for (const Record& record : response.authorities) {
    if (record.type != rrtype::kSoa) continue;
    uint32_t minimum = 0;
    for (size_t i = record.rdata.size() - 4; i < record.rdata.size(); ++i) {
      minimum = minimum << 8 | static_cast<uint8_t>(record.rdata[i]);
    }
    return std::min({record.ttl_s, minimum, kMaxNegativeTtl_s});
  }
  return kDefaultNegativeTtl_s;
}

// The owner of an allowed name can write a message into the digits of TTLs; round ones carry
// little. A TTL of 0 stays 0: it asks not to be cached.
uint32_t RoundedTtl(uint32_t ttl_s) {
  ttl_s = std::min(ttl_s, kMaxTtl_s);
  if (ttl_s < 60) return (ttl_s + 9) / 10 * 10;
  return ttl_s / 60 * 60;
}

class ChainWalk {
 public:
  explicit ChainWalk(const ResponseMessage& response)
      : response_(response), owner_(response.qname) {}

  // False if the CNAMEs of the response are no chain.
  bool FollowCnames() {
    if (response_.qtype == rrtype::kCname) return true;
    for (size_t hop = 0;; ++hop) {
      const Record* cname = nullptr;
      for (const Record& record : response_.answers) {
        if (record.type != rrtype::kCname || record.owner != owner_) continue;
        if (cname != nullptr && cname->rdata != record.rdata) return false;
        cname = &record;
      }
      if (cname == nullptr) return true;
      if (hop == kMaxChainHops) return false;  // a loop ends here as well
      if (!AgreesWithDname(*cname)) return false;
      Take(*cname);
      owner_ = *TargetOf(*cname);
    }
  }

  // A DNAME above the owner says what its CNAME must be (RFC 6672 §2.2): the owner with the DNAME's
  // own name at its end replaced by the DNAME's target.
  bool AgreesWithDname(const Record& cname) const {
    return std::all_of(response_.answers.begin(), response_.answers.end(),
                       [&](const Record& record) {
                         if (record.type != rrtype::kDname || record.owner == owner_) return true;
                         if (!owner_.IsAtOrBelow(record.owner)) return true;
                         const std::string_view owner = owner_.wire();
                         const size_t kept = owner.size() - record.owner.wire().size();
                         return std::string(owner.substr(0, kept)) + record.rdata == cname.rdata;
                       });
  }

  // True if there is at least one record of the type asked for at the end of the chain.
  bool TakeRrset() {
    const size_t before = set_.size();
    for (const Record& record : response_.answers) {
      if (record.type != response_.qtype || record.owner != owner_) continue;
      const bool known =
          std::any_of(set_.begin() + static_cast<std::ptrdiff_t>(before), set_.end(),
                      [&](const Record& taken) { return taken.rdata == record.rdata; });
      if (!known) Take(record);
    }
    return set_.size() > before;
  }

  AnswerSet TakeSet() { return std::move(set_); }

 private:
  void Take(const Record& record) {
    set_.push_back(record);
    set_.back().ttl_s = RoundedTtl(record.ttl_s);
  }

  const ResponseMessage& response_;
  DomainName owner_;
  AnswerSet set_;
};

uint32_t LeastTtl(const AnswerSet& set) {
  uint32_t least = kMaxTtl_s;
  for (const Record& record : set) least = std::min(least, record.ttl_s);
  return least;
}

}  // namespace

Answer FailedAnswer(Reason outcome) {
  Answer answer;
  answer.outcome = outcome;
  answer.rcode = rcode::kServFail;
  answer.ttl_s = kFailureTtl_s;
  return answer;
}

Answer ExtractAnswer(const ResponseMessage& response) {
  ChainWalk walk(response);
  if (!walk.FollowCnames()) return FailedAnswer(Reason::kUpstreamInvalid);
  Answer answer;
  answer.outcome = Reason::kRule;
  answer.rcode = response.rcode;
  answer.negative = response.rcode == rcode::kNxDomain || !walk.TakeRrset();
  AnswerSet set = walk.TakeSet();
  answer.ttl_s = LeastTtl(set);
  if (answer.negative) answer.ttl_s = std::min(answer.ttl_s, NegativeTtl(response));
  if (!set.empty()) answer.records = std::make_shared<const AnswerSet>(std::move(set));
  return answer;
}

}  // namespace namegate::resolver
