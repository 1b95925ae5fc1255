#include "resolver/forwarder.h"

#include <algorithm>
#include <cstdlib>

namespace namegate::resolver {
namespace {

Reason ReasonOf(UpstreamExchange::Failure failure) {
  switch (failure) {
    case UpstreamExchange::Failure::kTimeout:
      return Reason::kUpstreamTimeout;
    case UpstreamExchange::Failure::kUnreachable:
      return Reason::kUpstreamUnreachable;
    case UpstreamExchange::Failure::kInvalid:
      break;
  }
  return Reason::kUpstreamInvalid;
}

bool IsAnswer(const ResponseMessage& response) {
  return response.rcode == rcode::kNoError || response.rcode == rcode::kNxDomain;
}

}  // namespace

Forwarder::Forwarder(uv_loop_t* loop, const std::vector<UpstreamAddress>& upstreams) : loop_(loop) {
  SetServers(upstreams);
}

void Forwarder::SetServers(const std::vector<UpstreamAddress>& upstreams) {
  if (upstreams.empty()) std::abort();
  servers_.clear();
  preferred_ = 0;
  for (const UpstreamAddress& address : upstreams) {
    UpstreamServer& server = servers_.emplace_back();
    server.address = address;
    if (address.tls) server.tls = std::make_unique<TlsChannel>(loop_, address);
  }
}

Forwarder::~Forwarder() {
  questions_.clear();  // before the servers, whose channels they use
}

Forwarder::Asked Forwarder::Ask(const Question& question, size_t asking, Done done) {
  if (const auto found = questions_.find(question); found != questions_.end()) {
    found->second.waiting.push_back(std::move(done));
    return Asked::kJoined;
  }
  if (asking >= kMaxInFlight - questions_.size()) return Asked::kOverloaded;
  InFlight& state = questions_[question];
  state.waiting.push_back(std::move(done));
  state.deadline_ms = uv_now(loop_) + kDeadline_ms;
  state.first_server = preferred_;
  StartAttempt(question, state);
  return Asked::kSent;
}

void Forwarder::Replace(const std::vector<UpstreamAddress>& upstreams) {
  for (auto& [question, state] : questions_) state.exchange.reset();  // they use the old servers
  SetServers(upstreams);
  for (auto& [question, state] : questions_) {
    state.first_server = 0;
    state.attempts = 0;
    StartAttempt(question, state);
  }
}

bool Forwarder::IsLoop(const Question& question, const Endpoint& client) const {
  const auto found = questions_.find(question);
  return found != questions_.end() && found->second.exchange &&
         found->second.exchange->AsksFrom(client);
}

void Forwarder::StartAttempt(const Question& question, InFlight& state) {
  UpstreamServer& server = servers_[(state.first_server + state.attempts) % servers_.size()];
  const uint64_t now = uv_now(loop_);
  const uint64_t left = state.deadline_ms > now ? state.deadline_ms - now : 0;
  ++state.attempts;
  state.exchange =
      std::make_unique<UpstreamExchange>(loop_, server, question, std::min(kAttempt_ms, left),
                                         [this, question](UpstreamExchange::Outcome outcome) {
                                           OnOutcome(question, std::move(outcome));
                                         });
}

void Forwarder::OnOutcome(const Question& question, UpstreamExchange::Outcome outcome) {
  InFlight& state = questions_.at(question);
  const size_t index = (state.first_server + state.attempts - 1) % servers_.size();
  UpstreamServer& server = servers_[index];
  if (outcome.response && IsAnswer(*outcome.response)) {
    server.ok = true;
    preferred_ = index;
    return Settle(question, ExtractAnswer(*outcome.response));
  }
  server.ok = false;
  ++server.failed;
  state.trouble = outcome.response ? Reason::kUpstreamRefused : ReasonOf(outcome.failure);
  if (MayTryAgain(state)) return StartAttempt(question, state);
  Settle(question, FailedAnswer(state.trouble));
}

// A server that did not answer may have missed the query: ask again while there is time. One that
// refused, cannot be reached or talks nonsense will do so again: only the others are asked.
bool Forwarder::MayTryAgain(const InFlight& state) const {
  if (uv_now(loop_) >= state.deadline_ms) return false;
  return state.trouble == Reason::kUpstreamTimeout || state.attempts < servers_.size();
}

void Forwarder::Settle(const Question& question, Answer answer) {
  const auto settled = std::make_shared<const Answer>(std::move(answer));
  const auto found = questions_.find(question);
  // Taken out first: those who wait may ask again from inside their callback.
  const std::vector<Done> waiting = std::move(found->second.waiting);
  questions_.erase(found);
  for (const Done& done : waiting) done(settled);
}

}  // namespace namegate::resolver
