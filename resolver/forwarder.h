#pragma once

#include <uv.h>

#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "resolver/answer.h"
#include "resolver/answer_cache.h"
#include "resolver/upstream_exchange.h"
#include "resolver/upstream_server.h"

namespace namegate::resolver {

// Puts questions to the upstreams: one exchange in flight per name and type, however many sessions
// ask (many at once would make forging an answer a birthday problem, RFC 5452 §5), and from one
// upstream to the next until one answers or the time is up.
class Forwarder {
 public:
  // Stub resolvers wait 5 seconds before they ask again (resolv.conf(5)); our word comes earlier.
  static constexpr uint64_t kDeadline_ms = 4'500;
  static constexpr uint64_t kAttempt_ms = 1'500;
  // Each question in flight costs a socket.
  static constexpr size_t kMaxInFlight = 1'000;

  using Done = std::function<void(const std::shared_ptr<const Answer>&)>;

  // At least one upstream. `loop` must outlive the forwarder.
  Forwarder(uv_loop_t* loop, const std::vector<UpstreamAddress>& upstreams);
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  ~Forwarder();

  enum class Asked { kSent, kJoined, kOverloaded };
  // Asks, or joins those who wait for the same answer. Unless overloaded, `done` is called once,
  // later, from the loop; all who wait are called in the order in which they asked.
  //
  // `asking` is how many questions are in flight that were sent for the same session. It may have
  // as many as are left for all others: half of them if it is alone, and there is room for a
  // newcomer however greedy the others are.
  Asked Ask(const Question& question, size_t asking, Done done);

  // Asks these from now on, and puts what is in flight to them anew.
  void Replace(const std::vector<UpstreamAddress>& upstreams);

  // True if `client`, who asks this question, is ourselves: an upstream that asks us.
  bool IsLoop(const Question& question, const Endpoint& client) const;

  size_t in_flight() const { return questions_.size(); }
  const std::vector<UpstreamServer>& servers() const { return servers_; }

 private:
  struct InFlight {
    std::vector<Done> waiting;
    std::unique_ptr<UpstreamExchange> exchange;
    uint64_t deadline_ms = 0;  // on the loop's clock
    size_t first_server = 0;
    size_t attempts = 0;
    Reason trouble = Reason::kUpstreamTimeout;  // of the last attempt that failed
  };

  void SetServers(const std::vector<UpstreamAddress>& upstreams);
  void StartAttempt(const Question& question, InFlight& state);
  void OnOutcome(const Question& question, UpstreamExchange::Outcome outcome);
  bool MayTryAgain(const InFlight& state) const;
  void Settle(const Question& question, Answer answer);

  uv_loop_t* loop_;
  std::vector<UpstreamServer> servers_;
  size_t preferred_ = 0;  // the server that answered last
  std::unordered_map<Question, InFlight> questions_;
};

}  // namespace namegate::resolver
