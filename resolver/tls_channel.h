#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/upstream_address.h"
#include "resolver/message_reader.h"
#include "resolver/tls_session.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// The way to one DNS-over-TLS upstream (RFC 7858): one connection, made when there is something to
// ask, shared by all questions in flight, kept for a while and made anew when the upstream has
// closed it.
class TlsChannel {
 public:
  // RFC 7858 §3.4: long enough that a program's next name finds it open.
  static constexpr uint64_t kIdle_ms = 20'000;

  enum class Failure { kUnreachable, kInvalid };
  struct Outcome {
    std::optional<ResponseMessage> response;
    Failure failure = Failure::kUnreachable;
  };
  using Done = std::function<void(Outcome)>;

  TlsChannel(uv_loop_t* loop, UpstreamAddress upstream);
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;
  ~TlsChannel() = default;

  // Sends a question under this ID; `done` is called once, later, from the loop, unless the
  // question is cancelled by the ticket that comes back.
  uint64_t Ask(uint16_t id, std::string question_wire, Done done);
  void Cancel(uint64_t ticket);

  // Why the last connection could not be made; empty if it could.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Pending {
    uint16_t id = 0;
    std::string question_wire;
    Done done;
    bool sent_before = false;   // on a connection that closed: it is sent once more, not more often
    uint64_t reads_before = 0;  // `reads_` when it was asked
  };

  void StartSoon();
  void Connect();
  void OnConnected(int status);
  void OnRead(ssize_t count, const char* bytes);
  void TakeMessages();
  void Deliver(std::span<const uint8_t> message);
  void SendWaiting();
  void Flush();
  void Lost(Failure failure, const std::string& trouble);
  void Close();
  void RestartIdleTimer();

  uv_loop_t* loop_;
  UpstreamAddress upstream_;
  TlsSession::Context context_;  // made for the first connection
  UvHandle<uv_tcp_t> socket_;
  UvHandle<uv_timer_t> timer_;
  std::optional<TlsSession> tls_;
  std::string plaintext_;
  std::string buffer_;
  std::map<uint64_t, Pending> pending_;   // asked and not answered, in order
  std::map<uint64_t, Pending*> waiting_;  // of these, what is not on the wire yet
  uint64_t next_ticket_ = 1;
  uint64_t connections_ = 0;  // made so far
  bool answered_ = false;     // this connection has given at least one answer
  uint64_t reads_ = 0;        // how often something has come
  std::string trouble_;
};

}  // namespace namegate::resolver
