#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/endpoint.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// Where a response is handed to: the listener, or the TCP connection, that the query came in by.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  // Sends, or drops if the client is gone or does not read. Called at most once per query.
  virtual void Send(const Endpoint& client, std::string bytes) = 0;
  // In place of Send(), from inside the handler's call: the query gets no answer.
  virtual void Ignore() {}
};

// A query as it came in. If the sink is gone by the time of the answer, the client is too.
struct ReceivedQuery {
  std::span<const uint8_t> bytes;  // valid during the call only
  Endpoint client;
  Transport transport = Transport::kUdp;
  // The session whose own address it came in by; 0 on an address that sessions share.
  int64_t session = 0;
  std::weak_ptr<ResponseSink> sink;
};

// What listeners call for every query.
using QueryHandler = std::function<void(const ReceivedQuery&)>;

}  // namespace namegate::resolver
