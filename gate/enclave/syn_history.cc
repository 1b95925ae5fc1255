#include "gate/enclave/syn_history.h"

namespace namegate::enclave {

void SynHistory::Opened(const Syn& syn) {
  syns_[{syn.source, syn.destination}] = {syn.sequence, kOpen};
}

void SynHistory::Past(const Syn& syn, Arrival now) {
  const Key key{syn.source, syn.destination};
  const auto found = syns_.find(key);
  if (found == syns_.end() && syns_.size() >= kMaxKnown) return;
  // The ports may be in use for another connection by now.
  const bool taken = found != syns_.end() && found->second.until == kOpen &&
                     found->second.sequence != syn.sequence;
  if (!taken) syns_[key] = {syn.sequence, now};
}

bool SynHistory::IsCopy(const Syn& syn, Arrival arrival) const {
  const auto found = syns_.find({syn.source, syn.destination});
  return found != syns_.end() && found->second.sequence == syn.sequence &&
         arrival <= found->second.until;
}

void SynHistory::Tick(Arrival now) {
  std::erase_if(syns_, [&](const auto& entry) {
    return entry.second.until != kOpen && entry.second.until + kKept < now;
  });
}

}  // namespace namegate::enclave
