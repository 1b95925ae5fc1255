#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "resolver/answer_cache.h"
#include "resolver/message_reader.h"
#include "resolver/upstream_server.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// What whoever does not see our packets must guess to forge an answer (RFC 5452 §4): a seam, so
// that tests can narrow it and show that guesses then get in.
struct ExchangeEntropy {
  uint16_t (*id)();
  std::string (*question)(const DomainName& qname, uint16_t qtype);  // its letters in random case

  // The kernel's random numbers for all of it.
  static const ExchangeEntropy kFull;
};

// One question put to one upstream: over TLS if the upstream is so configured, else over UDP from a
// fresh random port with a random ID and random letter case (RFC 5452, RFC 9018's reasons), over
// TCP if the answer is truncated or looks forged.
//
// Theory of operation. The UDP socket is connected, so the kernel drops what other addresses send.
// A datagram that is not the answer (ID, question, case, structure) is counted and waited out: it
// may be a guess, and the right answer may still come. Two things make us turn to TCP, which an
// attacker who cannot see our packets cannot get into: the truncation bit, and a reply that has the
// right ID but not the right case or structure.
class UpstreamExchange {
 public:
  enum class Failure { kTimeout, kUnreachable, kInvalid };
  // Exactly one of the two is set.
  struct Outcome {
    std::optional<ResponseMessage> response;
    Failure failure = Failure::kTimeout;
  };
  using Done = std::function<void(Outcome)>;

  // Starts at once. `done` is called once, from the loop, never from inside the constructor; it may
  // destroy the exchange. Destroying it earlier cancels it. `server`, `loop` and `entropy` must
  // outlive it.
  UpstreamExchange(uv_loop_t* loop, UpstreamServer& server, const Question& question,
                   uint64_t timeout_ms, Done done,
                   const ExchangeEntropy& entropy = ExchangeEntropy::kFull);
  UpstreamExchange(const UpstreamExchange&) = delete;
  UpstreamExchange& operator=(const UpstreamExchange&) = delete;
  ~UpstreamExchange();

  // True if the question left from this address and port, over UDP.
  bool AsksFrom(const Endpoint& endpoint) const;

 private:
  // Guesses that are waited out before the question moves to TCP.
  static constexpr int kMaxWrongReplies = 64;

  void AskOverTls();
  bool StartUdp();
  void OnDatagramReady(int status);
  void Judge(std::span<const uint8_t> datagram);
  void StartTcp();
  void OnConnected(int status);
  void OnTcpRead(ssize_t count);
  void JudgeTcp(std::span<const uint8_t> message);
  void Fail(Failure failure);
  void Finish(Outcome outcome);

  uv_loop_t* loop_;
  UpstreamServer& server_;
  const ExchangeEntropy& entropy_;
  Question question_;
  Done done_;
  uint16_t id_ = 0;
  std::string question_wire_;
  int wrong_replies_ = 0;
  UniqueFd socket_;
  UvHandle<uv_poll_t> poll_;
  UvHandle<uv_timer_t> timer_;
  UvHandle<uv_tcp_t> tcp_;
  uint64_t tls_ticket_ = 0;  // 0: nothing is asked over TLS
  std::string tcp_received_;
  std::vector<char> tcp_buffer_;
  Failure failure_ = Failure::kTimeout;  // what a timeout will be reported as
};

}  // namespace namegate::resolver
