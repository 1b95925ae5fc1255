#include "resolver/answer.h"

#include <algorithm>

#include "common/network_order.h"
#include "resolver/rdata_reader.h"

namespace namegate::resolver {
namespace {

// The owner of an allowed name can write a message into the digits of TTLs; round ones carry
// little. Downwards always: no client may keep an answer for longer than its owner said.
uint32_t RoundedTtl(uint32_t ttl_s) {
  if (ttl_s >= kMaxTtl_s) return kMaxTtl_s;
  for (const uint32_t step : {60U, 10U, 5U, 1U}) {
    if (ttl_s >= step) return ttl_s < 5 ? 1 : ttl_s / step * step;
  }
  return 0;  // it asks not to be cached
}

// RFC 2308 §5: the lesser of the SOA's TTL and its MINIMUM, the last four octets of its RDATA.
uint32_t NegativeTtl(const ResponseMessage& response) {
  for (const Record& record : response.authorities) {
    if (record.type != rrtype::kSoa) continue;
    const uint32_t minimum = ReadU32(OctetsOf(record.rdata), record.rdata.size() - 4);
    return RoundedTtl(std::min({record.ttl_s, minimum, kMaxNegativeTtl_s}));
  }
  return kDefaultNegativeTtl_s;
}

class ChainWalk {
 public:
  explicit ChainWalk(const ResponseMessage& response)
      : response_(response), owner_(response.qname) {}

  // False if the CNAMEs of the response are no chain.
  bool FollowCnames() {
    for (size_t hop = 0;; ++hop) {
      const Record* cname = nullptr;
      for (const Record& record : response_.answers) {
        if (record.type != rrtype::kCname || record.owner != owner_) continue;
        if (cname != nullptr && cname->rdata != record.rdata) return false;
        cname = &record;
      }
      // Who asks for the CNAME itself is not led on by it.
      if (cname == nullptr || response_.qtype == rrtype::kCname) return true;
      if (hop == kMaxChainHops) return false;  // a loop ends here as well
      if (!AgreesWithDname(*cname)) return false;
      Take(*cname);
      owner_ = *CnameTarget(*cname);
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
