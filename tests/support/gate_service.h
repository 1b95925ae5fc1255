#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/gate_protocol.h"
#include "common/unique_fd.h"

namespace namegate::testing {

// A gate service whose answers are a test's to choose. A real socket, served by a thread of its
// own, one connection after the other.
class GateService {
 public:
  // The bytes of the one message to answer with: empty to hang up without one, nothing to say
  // nothing and keep the connection open until the service goes. Called on the service's thread;
  // not for hellos, which are never answered.
  using Answer = std::function<std::optional<std::string>(const GateRequest&)>;

  // Listens on `path`, which must not exist yet. The backlog is short, so that programs with many
  // threads meet a full one.
  GateService(std::string path, Answer answer);
  GateService(const GateService&) = delete;
  GateService& operator=(const GateService&) = delete;
  ~GateService();

  const std::string& path() const { return path_; }
  // What was asked so far, in order, without the hellos.
  std::vector<GateRequest> requests() const;
  // Waits until a program has said hello; false if none has within some seconds.
  bool WaitForHello();

 private:
  void Serve();
  void ServeOne(UniqueFd connection);

  std::string path_;
  Answer answer_;
  UniqueFd listener_;
  UniqueFd stop_;
  std::vector<UniqueFd> silent_;

  mutable std::mutex mutex_;
  std::condition_variable said_hello_;
  bool hello_ = false;                 // under mutex_
  std::vector<GateRequest> requests_;  // under mutex_

  std::thread thread_;  // last: it uses everything above
};

// The bytes of a well-formed reply.
std::string AllowReply();
std::string DenyReply(const std::string& message, bool quiet = false);

// "connect 127.0.0.1:80", "send [::1]:53/udp", "refused source-route": a request for a test to
// compare.
std::string Describe(const GateRequest& request);

}  // namespace namegate::testing
