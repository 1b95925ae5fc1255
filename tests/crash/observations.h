#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/dns_packet.h"

namespace namegate::testing {

// A DNS message that left the daemon.
struct SeenResponse {
  std::string client;  // the endpoint that it was sent to, as the ledger writes it
  Bytes message;
};

// A verdict that a gate, or an enclave's relay, was given.
struct SeenVerdict {
  int64_t session = 0;
  std::string address;
  uint16_t port = 0;
  bool allowed = false;
  bool relayed = false;
};

// What others than the daemon saw leave it. For several threads.
class Observations {
 public:
  void Add(SeenResponse response);
  void Add(SeenVerdict verdict);

  // In the order in which they were seen.
  std::vector<SeenResponse> responses() const;
  std::vector<SeenVerdict> verdicts() const;
  // Waits until there are `more` than there are now; false if they do not come.
  bool WaitForMore(size_t more) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<SeenResponse> responses_;
  std::vector<SeenVerdict> verdicts_;
};

}  // namespace namegate::testing
