#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "common/endpoint.h"
#include "common/relay_protocol.h"
#include "gate/enclave/event_loop.h"

namespace namegate::enclave {

class GateClient;

// What the daemon is asked for: its verdict, or that it records what is refused in any case.
enum class Asking : uint8_t { kVerdict, kRefused };

// That one connection may be: from its verdict to its end, which is reported when the permit goes.
class Permit {
 public:
  Permit() = default;
  Permit(GateClient* client, int64_t connection) : client_(client), connection_(connection) {}
  Permit(Permit&& other) noexcept { *this = std::move(other); }
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { Report(); }

  // False: denied.
  explicit operator bool() const { return client_ != nullptr; }
  // Its number in the ledger.
  int64_t connection() const { return connection_; }
  void Report();

  // What is reported.
  uint64_t bytes_out = 0;  // from the sandbox
  uint64_t bytes_in = 0;
  Ending ending = Ending::kClosed;

 private:
  GateClient* client_ = nullptr;
  int64_t connection_ = 0;
};

// Asks the daemon, many questions at a time, and tells it how what it allowed has ended. Speaks
// common/relay_protocol.h over one connection, and makes another when the daemon has gone.
class GateClient {
 public:
  // More are in flight only in a flood; who asks then waits for the client to try again.
  static constexpr size_t kMaxQuestions = 512;
  // The daemon records before it answers; a disk may be slow, but not for longer.
  static constexpr std::chrono::seconds kPatience{5};
  // Endings that could not be told yet, because the daemon is busy or being restarted.
  static constexpr size_t kMaxUntold = 16'384;

  using Callback = std::function<void(Permit)>;
  using Broken = std::function<void(int64_t connection)>;

  // `broken` is called when the policy does not allow a connection any more. The loop outlives the
  // client, and the client its permits.
  GateClient(EventLoop& loop, std::string socket_path, Broken broken)
      : loop_(loop), socket_path_(std::move(socket_path)), broken_(std::move(broken)) {}

  // False if there is no room for a question now: nothing was asked and nothing will be called.
  // Otherwise `callback` is called once, in a later turn of the loop. Whatever is not a well-formed
  // allow is a denial.
  bool Ask(Asking asking, Protocol protocol, const Endpoint& to, uint32_t pid, Callback callback);
  // Gives up on what has waited too long, and sees that there is a daemon.
  void Tick();

 private:
  friend class Permit;
  struct Question {
    Clock::time_point deadline;
    Callback callback;
  };

  // False if no daemon is there.
  bool Connect();
  void Disconnected();
  void Receive();
  void Finish(int64_t number, Permit permit);
  void Ended(int64_t connection, const Permit& permit);
  bool Send(const RelayMessage& message) const;
  void SendUntold();

  EventLoop& loop_;
  std::string socket_path_;
  Broken broken_;
  UniqueFd socket_;
  Watch watch_;
  int64_t next_number_ = 1;
  std::map<int64_t, Question> questions_;  // in the order in which they were asked
  std::set<int64_t> carried_;
  std::deque<RelayMessage> untold_;
};

}  // namespace namegate::enclave
