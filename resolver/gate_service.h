#pragma once

#include <sys/types.h>
#include <uv.h>

#include <list>
#include <memory>
#include <string>

#include "common/gate_protocol.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "resolver/attempt_recorder.h"
#include "resolver/gate_judge.h"
#include "resolver/ledger_writer.h"
#include "resolver/session.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// A session's gate socket: answers what the gates of its processes ask. One connection is one
// question; the reply leaves when its row is committed. But inside an enclave, where what is
// allowed leads to the wall and no further, that leaves at once: there the relay's question, which
// follows, waits for the row.
class GateService {
 public:
  // Programs with more threads than this connecting at one moment wait in the kernel's backlog.
  static constexpr size_t kMaxConnections = 1'024;
  // A gate sends its request at once; who connects and says nothing is cut off.
  static constexpr uint64_t kSilence_ms = 5'000;

  // Listens at `path` (mode 0666: knowing the path is the right to ask). The session, the ledger
  // and the loop must outlive the service.
  static Result<std::unique_ptr<GateService>> Listen(uv_loop_t* loop, const std::string& path,
                                                     std::shared_ptr<Session> session,
                                                     LedgerWriter& ledger, LeaseTerms terms);
  GateService(const GateService&) = delete;
  GateService& operator=(const GateService&) = delete;
  // Closes the socket and removes its path; questions not answered yet see it closed, which is a
  // denial.
  ~GateService();

 private:
  struct Connection {
    GateService* service = nullptr;
    std::list<std::shared_ptr<Connection>>::iterator place;
    UniqueFd socket;
    UvHandle<uv_poll_t> poll;
    UvHandle<uv_timer_t> timer;
  };

  GateService(uv_loop_t* loop, std::string path, UniqueFd socket, std::shared_ptr<Session> session,
              LedgerWriter& ledger, LeaseTerms terms);
  void Watch();
  void AcceptAll();
  void Adopt(UniqueFd socket);
  // False if the request is not there yet.
  bool TryRequest(Connection& connection);
  void Answer(const std::shared_ptr<Connection>& connection, const GateRequest& request,
              size_t size);
  void Forget(Connection& connection);

  uv_loop_t* loop_;
  std::string path_;
  UniqueFd socket_;
  std::shared_ptr<Session> session_;
  LedgerWriter& ledger_;
  AttemptRecorder attempts_;
  LeaseTerms terms_;
  UvHandle<uv_poll_t> poll_;
  std::list<std::shared_ptr<Connection>> connections_;
  bool paused_ = false;
};

}  // namespace namegate::resolver
