#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "resolver/gate_judge.h"
#include "resolver/ledger_writer.h"
#include "resolver/program_names.h"
#include "resolver/session.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// The ledger's rows for what a session's programs tried to connect to, one each; but of a flood,
// such as a scan of all ports, the refused attempts of one kind share a row that says how many they
// were and shows the first. What was allowed always has a row of its own.
class AttemptRecorder {
 public:
  // Rows a second, over some time; a second's worth may come at once. More than programs make that
  // want something; a disk takes days to fill at that rate.
  static constexpr uint32_t kRowsPerSecond = 1'000;
  // How long a shared row waits for more of its kind.
  static constexpr uint64_t kWindow_ms = 100;

  // `id` is the row's. Called once for every attempt, from RunCompletions() of the ledger.
  using Done = std::function<void(bool committed, int64_t id)>;

  // For the attempts that `gate` asks about. Session, ledger and loop must outlive it.
  AttemptRecorder(uv_loop_t* loop, std::shared_ptr<Session> session, LedgerWriter& ledger,
                  std::string gate);
  AttemptRecorder(const AttemptRecorder&) = delete;
  AttemptRecorder& operator=(const AttemptRecorder&) = delete;
  // Hands over what still waits.
  ~AttemptRecorder() { Flush(); }

  // Records what was judged, and counts it in the session. `pid` is the process that tried, 0 if
  // that is not known.
  void Record(int64_t pid, const GateVerdict& verdict, Done done);

 private:
  using Kind = std::pair<Reason, uint8_t>;  // and protocol
  struct Shared {
    ConnectionRow row;
    std::vector<Done> done;
  };

  ConnectionRow RowFor(int64_t pid, const GateVerdict& verdict);
  void Share(Kind kind, ConnectionRow row, Done done);
  void Flush();

  std::shared_ptr<Session> session_;
  LedgerWriter& ledger_;
  std::string gate_;
  ProgramNames programs_;
  Rate rate_;
  std::map<Kind, Shared> shared_;
  UvHandle<uv_timer_t> timer_;
};

}  // namespace namegate::resolver
