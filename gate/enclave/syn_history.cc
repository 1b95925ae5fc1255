#include "gate/enclave/syn_history.h"

namespace namegate::enclave {

void SynHistory::Opened(const Syn& syn) {
  syns_[{syn.source, syn.destination}] = {syn.sequence, std::nullopt, {}};
}

void SynHistory::Ended(const Syn& syn, Clock::time_point now) { Past(syn, {}, now); }

void SynHistory::Refused(const Syn& syn, Packet answer, Clock::time_point now) {
  Past(syn, std::move(answer), now);
}

void SynHistory::Past(const Syn& syn, Packet answer, Clock::time_point now) {
  const Key key{syn.source, syn.destination};
  const auto found = syns_.find(key);
  if (found == syns_.end() && syns_.size() >= kMaxKnown) return;
  // The ports may be in use for another connection by now.
  const bool taken =
      found != syns_.end() && !found->second.past && found->second.sequence != syn.sequence;
  if (!taken) syns_[key] = {syn.sequence, now, std::move(answer)};
}

const Packet* SynHistory::AnswerToCopy(const Syn& syn) const {
  const auto found = syns_.find({syn.source, syn.destination});
  if (found == syns_.end() || found->second.sequence != syn.sequence) return nullptr;
  return &found->second.answer;
}

void SynHistory::Tick(Clock::time_point now) {
  std::erase_if(syns_, [&](const auto& entry) {
    return entry.second.past && *entry.second.past + kKept < now;
  });
}

}  // namespace namegate::enclave
