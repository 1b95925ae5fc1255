#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <deque>
#include <memory>

#include "common/result.h"
#include "common/unique_fd.h"
#include "resolver/query_source.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// A UDP address that queries come in by. Own descriptor and uv_poll instead of uv_udp: recvmmsg
// with small slots, and one sendmmsg for all the responses of a commit group (libuv's way queues
// them one loop iteration at a time).
class UdpListener : public ResponseSink {
 public:
  // Takes a bound, non-blocking socket. `session`: whose address it is, 0 if shared.
  UdpListener(uv_loop_t* loop, UniqueFd socket, int64_t session, QueryHandler handler);
  UdpListener(const UdpListener&) = delete;
  UdpListener& operator=(const UdpListener&) = delete;
  ~UdpListener() override;

  // Must be called once, with the listener owned by `self`, for queries to come in.
  void Start(const std::shared_ptr<UdpListener>& self);
  // Reads what the socket holds already, then no more. Responses can still be sent.
  void StopReceiving();

  // Queued; the queue leaves before the loop next waits.
  void Send(const Endpoint& client, std::string bytes) override;

 private:
  static constexpr size_t kBatch = 64;   // datagrams per system call
  static constexpr size_t kSlot = 2048;  // octets per datagram; a longer query is malformed
  static constexpr uint64_t kTurn_ns = 2'000'000;  // then the other listeners have their turn
  // A client that does not read must not fill our memory; UDP may lose responses.
  static constexpr size_t kMaxQueued = 8192;

  struct Outgoing {
    sockaddr_storage client;
    socklen_t client_length;
    std::string bytes;
  };

  bool ReceiveBatch();
  void Flush();
  size_t SendBatch();
  void Watch();

  uv_loop_t* loop_;
  UniqueFd socket_;
  int64_t session_;
  QueryHandler handler_;
  std::weak_ptr<ResponseSink> self_;
  UvHandle<uv_poll_t> poll_;
  UvHandle<uv_prepare_t> before_wait_;
  std::deque<Outgoing> outgoing_;
  bool receiving_ = true;
};

}  // namespace namegate::resolver
