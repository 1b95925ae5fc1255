// What the daemon tells an enclave's relay, and takes from it.

#include "resolver/relay_service.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/parsed.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::resolver {
namespace {

const Endpoint kServer{IpAddress::V4(192, 0, 2, 1), 443};

using testing::Rules;

// A service in a loop of its own, with a ledger, and a relay's end of its connection.
class RelayFixture {
 public:
  RelayFixture() {
    uv_loop_init(&loop_);
    session_ = std::make_shared<Session>(Rules({"192.0.2.1:443"}));
    session_->id = 1;
    const std::string path = directory_.File("relay");
    endings_.emplace(&loop_, ledger_.writer());
    service_ = std::move(RelayService::Listen(&loop_, path, session_, *endings_, {})).value();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(connect(relay_.get(), to, sizeof address) == 0);
    const int room = 1 << 20;
    setsockopt(relay_.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    uv_run(&loop_, UV_RUN_NOWAIT);
  }
  ~RelayFixture() {
    Stop();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  // As the daemon does.
  void Stop() {
    if (!service_) return;
    service_.reset();
    endings_.reset();
    uv_run(&loop_, UV_RUN_NOWAIT);
    ledger_.writer().RunCompletions();
    ledger_.Close();
  }
  // How connections have ended, in the order in which they began; "NULL" if none has.
  std::string Ended() const {
    return ledger_.Value(
        "SELECT group_concat(how) FROM (SELECT how FROM connection_ending ORDER BY connection_id)");
  }

  void Tell(RelayOperation operation, int64_t id) {
    RelayMessage message{};
    message.magic = kRelayMagic;
    message.version = kRelayVersion;
    message.size = sizeof message;
    message.operation = static_cast<uint8_t>(operation);
    message.id = id;
    message.family = 4;
    message.protocol = static_cast<uint8_t>(Protocol::kTcp);
    message.port = kServer.port;
    message.ending = static_cast<uint8_t>(Ending::kReset);
    std::ranges::copy(kServer.address.octets(), message.address);
    REQUIRE(send(relay_.get(), &message, sizeof message, 0) == sizeof message);
  }
  // The service takes what it was told, and what the ledger has written stays unheard.
  void Turn() { uv_run(&loop_, UV_RUN_NOWAIT); }
  // Until it has said something, for a while.
  void Await() {
    (void)testing::WaitFor([this] {
      Turn();
      ledger_.writer().RunCompletions();
      return Heard();
    });
  }
  // Nothing but zeros if it says nothing.
  RelayReply Hear() {
    Await();
    RelayReply reply{};
    (void)recv(relay_.get(), &reply, sizeof reply, MSG_DONTWAIT);
    return reply;
  }
  // Whether it has said anything.
  bool Heard() const {
    char octet = 0;
    return recv(relay_.get(), &octet, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
  }
  // The relay is gone; the service has not seen it yet.
  void Die() { relay_.Reset(); }
  Session& session() { return *session_; }
  RelayService& service() { return *service_; }

 private:
  uv_loop_t loop_{};
  testing::TempDir directory_;
  testing::TestLedger ledger_;
  std::shared_ptr<Session> session_;
  std::optional<InsistentRecorder> endings_;
  std::unique_ptr<RelayService> service_;
  UniqueFd relay_{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
};

TEST_CASE_METHOD(RelayFixture, "What a policy forbids while its row is written is broken at once") {
  Tell(RelayOperation::kAsk, 7);
  Turn();
  session().ChangePolicy({});
  service().JudgeAnew();
  const RelayReply verdict = Hear();
  CHECK(verdict.verdict == 1);
  const RelayReply then = Hear();
  CHECK(then.answer == static_cast<uint8_t>(RelayAnswer::kBreak));
  CHECK(then.connection == verdict.connection);
}

TEST_CASE_METHOD(RelayFixture, "What the gate was allowed waits at the wall for its row") {
  CHECK(session().walled);
  const auto allow = [this] {
    auto fresh = std::make_shared<FreshAllow>();
    session().fresh_allows.Add(6, kServer, 0, fresh, FreshAllows::Clock::now());
    return fresh;
  };
  const auto recorded = allow();
  Tell(RelayOperation::kAsk, 7);
  Turn();
  CHECK_FALSE(Heard());
  recorded->Settle(true, 42);
  const RelayReply allowed = Hear();
  CHECK(allowed.verdict == 1);
  CHECK(allowed.connection == 42);
  allow()->Settle(true, 43);
  Tell(RelayOperation::kAsk, 8);
  CHECK(Hear().connection == 43);
  // Without a row there is no leave.
  const auto lost = allow();
  Tell(RelayOperation::kAsk, 9);
  Turn();
  lost->Settle(false, 44);
  CHECK(Hear().verdict == 0);
  // The relay's question makes one of its own then.
  allow()->Settle(false, 45);
  Tell(RelayOperation::kAsk, 10);
  const RelayReply own = Hear();
  CHECK(own.verdict == 1);
  CHECK(own.connection == 1);
  Die();
  Turn();
  CHECK_FALSE(session().walled);
}

TEST_CASE_METHOD(RelayFixture, "A relay that dies before it has read its answers is missed") {
  Tell(RelayOperation::kAsk, 7);
  const int64_t first = Hear().connection;
  Tell(RelayOperation::kAsk, 8);
  Await();
  Tell(RelayOperation::kEnded, first);
  Die();
  CHECK(testing::WaitFor([this] {
    Turn();
    return !session().walled;
  }));
  CHECK(service().EndAll().empty());
  Stop();
  // What it had told before counts.
  const auto number = [](Ending how) { return std::to_string(static_cast<int>(how)); };
  CHECK(Ended() == number(Ending::kReset) + "," + number(Ending::kUnknown));
}

TEST_CASE_METHOD(RelayFixture,
                 "All that a relay told of endings counts when its session is closed") {
  std::vector<CarriedConnection> open;
  for (int64_t id = 1; id <= 300; ++id) open.push_back({id, Protocol::kTcp, kServer, {}});
  service().Restore(open);
  for (const CarriedConnection& connection : open) Tell(RelayOperation::kEnded, connection.id);
  CHECK(service().EndAll().empty());
}

TEST_CASE_METHOD(RelayFixture, "An ending is recorded in a moment, and before the daemon stops") {
  const auto end = [this](int64_t question) {
    Tell(RelayOperation::kAsk, question);
    Tell(RelayOperation::kEnded, Hear().connection);
    Turn();
  };
  end(7);
  CHECK(Ended() == "NULL");
  SECTION("in a moment") {
    CHECK(testing::WaitFor([this] {
      Turn();
      return Ended() != "NULL";
    }));
  }
  SECTION("before the daemon stops") { Stop(); }
  CHECK(Ended() == std::to_string(static_cast<int>(Ending::kReset)));
}

TEST_CASE_METHOD(RelayFixture, "What is open when its session is closed ended with that") {
  Tell(RelayOperation::kAsk, 7);
  REQUIRE(Hear().verdict == 1);
  const auto rows = service().EndAll();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].how == Ending::kSessionClosed);
}

TEST_CASE_METHOD(RelayFixture,
                 "What a relay carried that died just before its session was closed "
                 "has ended unknown") {
  Tell(RelayOperation::kAsk, 7);
  REQUIRE(Hear().verdict == 1);
  Die();
  const auto rows = service().EndAll();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].how == Ending::kUnknown);
}

}  // namespace
}  // namespace namegate::resolver
