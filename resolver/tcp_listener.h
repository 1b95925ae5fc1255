#pragma once

#include <uv.h>

#include <memory>
#include <set>
#include <string>

#include "common/unique_fd.h"
#include "resolver/query_source.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

class TcpListener;

// One client's TCP connection (RFC 7766): length-prefixed queries, several in flight, answered in
// whatever order their answers come.
class TcpConnection : public ResponseSink {
 public:
  TcpConnection(TcpListener& listener, UvHandle<uv_tcp_t> socket, Endpoint client);
  ~TcpConnection() override = default;

  void Start(const std::shared_ptr<TcpConnection>& self);
  void Send(const Endpoint& client, std::string bytes) override;
  void Ignore() override {
    --in_flight_;
    ignored_ = true;
  }
  // No more queries; the connection closes when those in flight are answered.
  void StopReceiving();
  const IpAddress& client() const { return client_.address; }
  // Closes without a word to the listener.
  void Abandon();

 private:
  static constexpr size_t kMaxQuery = 4096;      // octets; real queries stay far below
  static constexpr size_t kMaxInFlight = 64;     // then we stop reading until answers are out
  static constexpr size_t kMaxUnsent = 1 << 20;  // octets of answers that the client does not read
  static constexpr uint64_t kIdle_ms = 10'000;   // RFC 7766 §6.2.3: a few seconds
  static constexpr uint64_t kPause_ms = 50;      // for who sends what is not answered

  void OnRead(ssize_t count, const char* bytes);
  void TakeQueries();
  void Read();
  void RestartIdleTimer();
  void LetOthersTurn();
  void Close();

  TcpListener& listener_;  // owns this connection
  Endpoint client_;
  std::weak_ptr<TcpConnection> self_;
  UvHandle<uv_tcp_t> socket_;
  UvHandle<uv_timer_t> idle_;
  UvHandle<uv_timer_t> next_turn_;
  std::string received_;
  std::string buffer_;
  size_t in_flight_ = 0;
  bool reading_ = false;
  bool resting_ = false;  // until next_turn_
  bool ignored_ = false;  // something that came since the last turn is not answered
  bool receiving_ = true;
};

// A TCP address that queries come in by.
class TcpListener {
 public:
  // A client may have as many as are left for all others, half of them if it is alone: on an
  // address that sessions share, one that opens connections and says nothing leaves the others
  // room.
  static constexpr size_t kMaxConnections = 256;

  // Takes a bound socket; starts to listen. `session`: whose address it is, 0 if shared.
  TcpListener(uv_loop_t* loop, UniqueFd socket, int64_t session, QueryHandler handler);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  ~TcpListener();

  void StopReceiving();

 private:
  friend class TcpConnection;
  void OnConnection(int status);
  bool HasRoomFor(const IpAddress& client) const;
  void Forget(TcpConnection* connection);

  uv_loop_t* loop_;
  int64_t session_;
  QueryHandler handler_;
  UvHandle<uv_tcp_t> socket_;
  std::set<std::shared_ptr<TcpConnection>> connections_;
};

}  // namespace namegate::resolver
