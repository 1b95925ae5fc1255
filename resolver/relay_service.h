#pragma once

#include <uv.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/domain_name.h"
#include "common/relay_protocol.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "resolver/attempt_recorder.h"
#include "resolver/gate_judge.h"
#include "resolver/insistent_recorder.h"
#include "resolver/ledger_writer.h"
#include "resolver/session.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// A connection that the relay was allowed and has not ended.
struct CarriedConnection {
  int64_t id = 0;
  Protocol protocol = Protocol::kTcp;
  Endpoint to;
  std::optional<DomainName> name;  // that its address was answered for
};

// The other end of an enclave's relay: answers what it asks, and records how that ended. Speaks
// common/relay_protocol.h.
//
// Theory of operation. A session has one relay, so the latest connection is it. What it was allowed
// is kept here until it says that it ended. If the relay's connection ends, so have all of them,
// nobody knows how. After a restart the ones that the ledger has as open are kept until the relay
// has come back and named those that it still carries.
class RelayService {
 public:
  // Messages taken in one turn of the loop, before others have theirs.
  static constexpr int kMessagesPerTurn = 256;
  // As many messages as a relay keeps for a daemon that is busy.
  static constexpr int kTurnsAtEnd = 64;

  // Listens at `path` (mode 0600: the relay runs as the session's user). The session, `endings`,
  // whose ledger the verdicts stand in too, and the loop must outlive the service.
  static Result<std::unique_ptr<RelayService>> Listen(uv_loop_t* loop, const std::string& path,
                                                      std::shared_ptr<Session> session,
                                                      InsistentRecorder& endings, LeaseTerms terms);
  RelayService(const RelayService&) = delete;
  RelayService& operator=(const RelayService&) = delete;
  // Closes the socket and removes its path, which is how the relay knows that the session is over.
  ~RelayService();

  // What was open when an earlier daemon ended.
  void Restore(const std::vector<CarriedConnection>& open);
  // The session's policy has changed: breaks what it does not allow any more.
  void JudgeAnew();
  // The rows that end what is open, for a session that is being closed: what the relay has said by
  // now counts.
  std::vector<ConnectionEndedRow> EndAll();

 private:
  struct Carried {
    CarriedConnection connection;
    bool confirmed = true;   // false: of an earlier daemon, and the relay has not named it yet
    bool forbidden = false;  // the relay was told to break it
  };
  // Outlives the service, for rows that are being written when it goes.
  struct Link {
    RelayService* service = nullptr;
    UniqueFd socket;
    UvHandle<uv_poll_t> poll;
    std::deque<RelayReply> unsent;  // no more than the relay's questions, and what it must break
  };

  RelayService(uv_loop_t* loop, std::string path, UniqueFd socket, std::shared_ptr<Session> session,
               InsistentRecorder& endings, LeaseTerms terms);
  void Accept();
  // False once the relay has gone.
  bool Receive();
  void Handle(const RelayMessage& message);
  void Answer(const RelayMessage& question);
  void Allow(int64_t question, const CarriedConnection& connection);
  void WatchLink(int events);
  void SendUnsent();
  void Send(const RelayReply& reply);
  void Reply(int64_t question, Verdict verdict, int64_t connection);
  void Break(int64_t connection);
  void BreakIfForbidden(Carried& carried);
  void Ended(const RelayMessage& message);
  void Lose(bool unconfirmed_only);

  uv_loop_t* loop_;
  std::string path_;
  UniqueFd socket_;
  std::shared_ptr<Session> session_;
  InsistentRecorder& endings_;
  AttemptRecorder attempts_;
  LeaseTerms terms_;
  UvHandle<uv_poll_t> poll_;
  std::shared_ptr<Link> link_;
  std::map<int64_t, Carried> carried_;
};

}  // namespace namegate::resolver
