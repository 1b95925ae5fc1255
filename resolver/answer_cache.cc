#include "resolver/answer_cache.h"

namespace namegate::resolver {

AnswerCache::Hit AnswerCache::Find(const Question& question, Clock::time_point now) {
  const auto found = entries_.find(question);
  if (found == entries_.end()) return {};
  const Order::iterator entry = found->second;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - entry->stored);
  if (age >= std::chrono::seconds(entry->answer->ttl_s)) {
    order_.erase(entry);
    entries_.erase(found);
    return {};
  }
  order_.splice(order_.begin(), order_, entry);
  return {entry->answer, static_cast<uint32_t>(age.count())};
}

void AnswerCache::Clear() {
  entries_.clear();
  order_.clear();
}

void AnswerCache::Store(const Question& question, std::shared_ptr<const Answer> answer,
                        Clock::time_point now) {
  if (const auto found = entries_.find(question); found != entries_.end()) {
    order_.erase(found->second);
    entries_.erase(found);
  }
  if (answer->ttl_s == 0 || max_entries_ == 0) return;
  if (entries_.size() == max_entries_) {
    entries_.erase(order_.back().question);
    order_.pop_back();
  }
  order_.push_front({question, std::move(answer), now});
  entries_.emplace(question, order_.begin());
}

}  // namespace namegate::resolver
