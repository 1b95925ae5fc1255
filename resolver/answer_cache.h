#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "common/domain_name.h"
#include "resolver/answer.h"

namespace namegate::resolver {

// A question as cache and upstreams know it; the class is always IN.
struct Question {
  DomainName qname;
  uint16_t qtype = 0;

  friend bool operator==(const Question&, const Question&) = default;
};

}  // namespace namegate::resolver

template <>
struct std::hash<namegate::resolver::Question> {
  size_t operator()(const namegate::resolver::Question& question) const noexcept {
    return std::hash<namegate::DomainName>{}(question.qname) * 31 + question.qtype;
  }
};

namespace namegate::resolver {

// Answers and denials until their TTL ends, the least recently used given up first. Shared by all
// sessions: policy and guard are applied to what comes out, each time.
class AnswerCache {
 public:
  using Clock = std::chrono::steady_clock;

  // 0 entries: nothing is ever kept.
  explicit AnswerCache(size_t max_entries) : max_entries_(max_entries) {}

  struct Hit {
    std::shared_ptr<const Answer> answer;
    uint32_t age_s = 0;  // whole seconds since it was stored, less than its ttl_s
  };
  // An empty hit (null answer) if there is nothing that still holds at `now`.
  Hit Find(const Question& question, Clock::time_point now);

  // Keeps an answer for its ttl_s; one with a TTL of 0 is not kept (RFC 1035 §3.2.1).
  void Store(const Question& question, std::shared_ptr<const Answer> answer, Clock::time_point now);

  void Clear();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Question question;
    std::shared_ptr<const Answer> answer;
    Clock::time_point stored;
  };
  using Order = std::list<Entry>;  // most recently used first

  size_t max_entries_;
  Order order_;
  std::unordered_map<Question, Order::iterator> entries_;
};

}  // namespace namegate::resolver
