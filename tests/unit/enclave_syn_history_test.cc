// Copies of SYNs that are past.

#include <catch2/catch.hpp>

#include "gate/enclave/syn_history.h"

namespace namegate::enclave {
namespace {

using std::chrono::seconds;

constexpr Clock::time_point kNow{seconds(1000)};

Syn SynFrom(uint16_t port, uint32_t sequence) {
  Syn syn;
  syn.source = {*IpAddress::FromText("10.64.0.2"), port};
  syn.destination = {*IpAddress::FromText("192.0.2.7"), 443};
  syn.sequence = sequence;
  return syn;
}

TEST_CASE("A copy is of the same sequence number, and gets the answer of the first") {
  const Packet answer = {1, 2, 3};
  SynHistory history;
  CHECK(history.AnswerToCopy(SynFrom(4660, 7)) == nullptr);
  history.Refused(SynFrom(4660, 7), answer, kNow);
  REQUIRE(history.AnswerToCopy(SynFrom(4660, 7)) != nullptr);
  CHECK(*history.AnswerToCopy(SynFrom(4660, 7)) == answer);
  CHECK(history.AnswerToCopy(SynFrom(4660, 8)) == nullptr);
  CHECK(history.AnswerToCopy(SynFrom(4661, 7)) == nullptr);
}

TEST_CASE("While a connection is open, and for a while after, a copy gets no answer") {
  SynHistory history;
  history.Opened(SynFrom(4660, 7));
  history.Tick(kNow + seconds(3600));
  REQUIRE(history.AnswerToCopy(SynFrom(4660, 7)) != nullptr);
  CHECK(history.AnswerToCopy(SynFrom(4660, 7))->empty());
  history.Ended(SynFrom(4660, 7), kNow);
  REQUIRE(history.AnswerToCopy(SynFrom(4660, 7)) != nullptr);
  CHECK(history.AnswerToCopy(SynFrom(4660, 7))->empty());
}

TEST_CASE("The end of a connection says nothing of the next from the same port") {
  SynHistory history;
  history.Opened(SynFrom(4660, 7));
  history.Opened(SynFrom(4660, 8));
  history.Ended(SynFrom(4660, 7), kNow);
  history.Tick(kNow + SynHistory::kKept + seconds(1));
  CHECK(history.AnswerToCopy(SynFrom(4660, 8)) != nullptr);
}

TEST_CASE("What is past is forgotten, and a flood is not remembered whole") {
  SynHistory history;
  history.Ended(SynFrom(4660, 7), kNow);
  history.Tick(kNow + SynHistory::kKept);
  CHECK(history.AnswerToCopy(SynFrom(4660, 7)) != nullptr);
  history.Tick(kNow + SynHistory::kKept + seconds(1));
  CHECK(history.AnswerToCopy(SynFrom(4660, 7)) == nullptr);
  for (size_t i = 0; i <= SynHistory::kMaxKnown; ++i) {
    history.Refused(SynFrom(static_cast<uint16_t>(i), 7), {}, kNow);
  }
  CHECK(history.AnswerToCopy(SynFrom(0, 7)) != nullptr);
  CHECK(history.AnswerToCopy(SynFrom(SynHistory::kMaxKnown, 7)) == nullptr);
}

}  // namespace
}  // namespace namegate::enclave
