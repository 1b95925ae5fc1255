// Copies of SYNs that are past.

#include <catch2/catch.hpp>

#include "gate/enclave/syn_history.h"

namespace namegate::enclave {
namespace {

using std::chrono::seconds;

constexpr Arrival kNow = seconds(1000);

Syn SynFrom(uint16_t port, uint32_t sequence) {
  Syn syn;
  syn.source = {*IpAddress::FromText("10.64.0.2"), port};
  syn.destination = {*IpAddress::FromText("192.0.2.7"), 443};
  syn.sequence = sequence;
  return syn;
}

TEST_CASE("A copy is what came in before the first was past, and is of the same sequence number") {
  SynHistory history;
  CHECK_FALSE(history.IsCopy(SynFrom(4660, 7), kNow));
  history.Past(SynFrom(4660, 7), kNow);
  CHECK(history.IsCopy(SynFrom(4660, 7), kNow - seconds(1)));
  CHECK_FALSE(history.IsCopy(SynFrom(4660, 7), kNow + seconds(1)));
  CHECK_FALSE(history.IsCopy(SynFrom(4660, 8), kNow - seconds(1)));
  CHECK_FALSE(history.IsCopy(SynFrom(4661, 7), kNow - seconds(1)));
}

TEST_CASE("While a connection is open every copy is one") {
  SynHistory history;
  history.Opened(SynFrom(4660, 7));
  history.Tick(kNow + seconds(3600));
  CHECK(history.IsCopy(SynFrom(4660, 7), kNow + seconds(3600)));
  history.Past(SynFrom(4660, 7), kNow);
  CHECK_FALSE(history.IsCopy(SynFrom(4660, 7), kNow + seconds(1)));
}

TEST_CASE("The end of a connection says nothing of the next from the same port") {
  SynHistory history;
  history.Opened(SynFrom(4660, 7));
  history.Opened(SynFrom(4660, 8));
  history.Past(SynFrom(4660, 7), kNow);
  CHECK(history.IsCopy(SynFrom(4660, 8), kNow + seconds(1)));
}

TEST_CASE("What is past is forgotten, and a flood is not remembered whole") {
  SynHistory history;
  history.Past(SynFrom(4660, 7), kNow);
  history.Tick(kNow + SynHistory::kKept);
  CHECK(history.IsCopy(SynFrom(4660, 7), kNow));
  history.Tick(kNow + SynHistory::kKept + seconds(1));
  CHECK_FALSE(history.IsCopy(SynFrom(4660, 7), kNow));
  for (size_t i = 0; i <= SynHistory::kMaxKnown; ++i) {
    history.Past(SynFrom(static_cast<uint16_t>(i), 7), kNow);
  }
  CHECK(history.IsCopy(SynFrom(0, 7), kNow));
  CHECK_FALSE(history.IsCopy(SynFrom(SynHistory::kMaxKnown, 7), kNow));
}

}  // namespace
}  // namespace namegate::enclave
