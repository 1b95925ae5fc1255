#pragma once

#include <functional>
#include <list>
#include <string>

#include "common/endpoint.h"
#include "common/gate_protocol.h"
#include "gate/enclave/event_loop.h"

namespace namegate::enclave {

// Asks the session's gate service, many questions at a time.
class GateClient {
 public:
  // More are in flight only in a flood; who asks then waits for the client to try again.
  static constexpr size_t kMaxQuestions = 512;
  // The daemon records before it answers; a disk may be slow, but not for longer.
  static constexpr std::chrono::seconds kPatience{5};

  enum class Answer : uint8_t { kAllow, kDeny };
  using Callback = std::function<void(Answer)>;

  GateClient(EventLoop& loop, std::string socket_path)
      : loop_(loop), socket_path_(std::move(socket_path)) {}

  // False if there is no room for a question now: nothing was asked and nothing will be called.
  // Otherwise `callback` is called once, in a later turn of the loop. Whatever is not a well-formed
  // allow is a denial.
  bool Ask(GateOperation operation, Protocol protocol, const Endpoint& to, uint32_t pid,
           Callback callback);
  // Gives up on what has waited too long.
  void Tick();

 private:
  struct Question {
    UniqueFd socket;
    Watch watch;
    Clock::time_point deadline;
    Callback callback;
  };
  void Finish(std::list<Question>::iterator question, Answer answer);

  EventLoop& loop_;
  std::string socket_path_;
  std::list<Question> questions_;
};

}  // namespace namegate::enclave
