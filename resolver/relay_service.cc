#include "resolver/relay_service.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>

#include "common/wall_clock.h"
#include "resolver/listen_unix.h"

namespace namegate::resolver {
namespace {

// Nothing unless it is a question as relay_protocol.h has it.
std::optional<CarriedConnection> QuestionIn(const RelayMessage& message) {
  if (message.family != 4 && message.family != 6) return std::nullopt;
  if (message.protocol != static_cast<uint8_t>(Protocol::kTcp) &&
      message.protocol != static_cast<uint8_t>(Protocol::kUdp)) {
    return std::nullopt;
  }
  const std::span<const uint8_t> octets(message.address);
  return CarriedConnection{0,
                           static_cast<Protocol>(message.protocol),
                           {IpAddress(octets.first(message.family == 4 ? 4 : 16)), message.port},
                           std::nullopt};
}

// By its rules alone: leases are looked at when a connection starts, and one that has run out cuts
// nothing.
bool IsCovered(const Session& session, const CarriedConnection& connection) {
  const Policy& policy = session.policy;
  const Endpoint& to = connection.to;
  if (to == session.nameserver) return true;
  if (policy.RuleForAddress(to.address, to.port, connection.protocol) != nullptr) return true;
  if (!connection.name) return false;
  return std::ranges::any_of(policy.RulesForName(*connection.name), [&](const Rule* rule) {
    return rule->protocol == connection.protocol && rule->CoversPort(to.port);
  });
}

ConnectionEndedRow RowFor(int64_t connection, Ending how) {
  return {connection, NowMicroseconds(), std::nullopt, how};
}

}  // namespace

Result<std::unique_ptr<RelayService>> RelayService::Listen(uv_loop_t* loop, const std::string& path,
                                                           std::shared_ptr<Session> session,
                                                           InsistentRecorder& endings,
                                                           LeaseTerms terms) {
  auto socket = ListenUnix(path, 0600);
  if (!socket) return socket.error();
  return std::unique_ptr<RelayService>(
      new RelayService(loop, path, std::move(socket).value(), std::move(session), endings, terms));
}

RelayService::RelayService(uv_loop_t* loop, std::string path, UniqueFd socket,
                           std::shared_ptr<Session> session, InsistentRecorder& endings,
                           LeaseTerms terms)
    : loop_(loop),
      path_(std::move(path)),
      socket_(std::move(socket)),
      session_(std::move(session)),
      endings_(endings),
      attempts_(loop, session_, endings.ledger(), "enclave"),
      terms_(terms) {
  poll_.Make(this, [&](uv_poll_t* poll) { return uv_poll_init(loop, poll, socket_.get()); });
  uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<RelayService*>(poll->data)->Accept();
  });
}

RelayService::~RelayService() {
  unlink(path_.c_str());
  session_->walled = false;
  if (link_) link_->service = nullptr;
}

void RelayService::Accept() {
  UniqueFd accepted(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted) return;
  // Only a relay that has lost its connection makes another.
  if (link_) {
    link_->service = nullptr;
    link_->poll.Reset();
  }
  link_ = std::make_shared<Link>();
  link_->service = this;
  link_->socket = std::move(accepted);
  session_->walled = true;
  link_->poll.Make(this,
                   [&](uv_poll_t* poll) { return uv_poll_init(loop_, poll, link_->socket.get()); });
  WatchLink(UV_READABLE);
}

void RelayService::WatchLink(int events) {
  uv_poll_start(link_->poll.get(), events, [](uv_poll_t* poll, int failed, int ready) {
    auto* self = static_cast<RelayService*>(poll->data);
    if ((ready & UV_WRITABLE) != 0) self->SendUnsent();
    // A relay that dies with answers unread leaves an error behind, at which libuv stops.
    if (failed != 0) self->WatchLink(UV_READABLE);
    if ((failed == 0 && (ready & UV_READABLE) == 0) || self->Receive()) return;
    self->link_->service = nullptr;
    self->link_.reset();
    self->session_->walled = false;
    self->Lose(/*unconfirmed_only=*/false);
  });
}

void RelayService::Send(const RelayReply& reply) {
  if (!link_) return;
  link_->unsent.push_back(reply);
  if (link_->unsent.size() == 1) SendUnsent();
}

void RelayService::SendUnsent() {
  auto& unsent = link_->unsent;
  while (!unsent.empty()) {
    const ssize_t sent = send(link_->socket.get(), &unsent.front(), sizeof unsent.front(),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return WatchLink(UV_READABLE | UV_WRITABLE);
    }
    unsent.pop_front();  // a relay that has gone is seen where it is read from
  }
  WatchLink(UV_READABLE);
}

bool RelayService::Receive() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    RelayMessage message{};
    const ssize_t got =
        recv(link_->socket.get(), &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
    // An error that the relay left stands before what it has sent, and is told once.
    if (got < 0) return errno == EAGAIN || errno == EINTR || errno == ECONNRESET;
    if (got == 0) return false;
    // Nobody but a relay gets here; one of another version is left without an answer, which denies.
    if (got != sizeof message || message.magic != kRelayMagic || message.version != kRelayVersion ||
        message.size != sizeof message) {
      continue;
    }
    Handle(message);
  }
  return true;
}

void RelayService::Handle(const RelayMessage& message) {
  switch (static_cast<RelayOperation>(message.operation)) {
    case RelayOperation::kAsk:
      return Answer(message);
    case RelayOperation::kEnded:
      return Ended(message);
    case RelayOperation::kKept:
      if (const auto found = carried_.find(message.id); found != carried_.end()) {
        found->second.confirmed = true;
      }
      return;
    case RelayOperation::kAllKept:
      Lose(/*unconfirmed_only=*/true);
      return JudgeAnew();
  }
}

void RelayService::Answer(const RelayMessage& question) {
  auto asked = QuestionIn(question);
  if (!asked) return Reply(question.id, Verdict::kDeny, 0);
  GateVerdict verdict = question.refused != 0
                            ? RefuseRelayed(asked->protocol, asked->to)
                            : JudgeRelayed(*session_, asked->protocol, asked->to, terms_);
  asked->name = verdict.name;
  const bool allowed = verdict.verdict == Verdict::kAllow;
  const auto answer = [link = link_, number = question.id, allowed, connection = *asked](
                          bool committed, int64_t id) mutable {
    if (link->service == nullptr) return;  // the session or the relay is gone
    connection.id = id;
    if (committed && allowed) return link->service->Allow(number, connection);
    link->service->Reply(number, Verdict::kDeny, 0);
  };
  if (allowed) {
    // The preload gate was told so a moment ago, and the row is there or on its way.
    const auto known = session_->fresh_allows.Take(question.protocol, asked->to, question.pid,
                                                   FreshAllows::Clock::now());
    if (known) return known->WhenSettled(answer);
  } else if (session_->preload && verdict.reason != Reason::kSocketOption) {
    verdict.reason = Reason::kBypassedPreload;
  }
  attempts_.Record(question.pid, verdict, answer);
}

void RelayService::Allow(int64_t question, const CarriedConnection& connection) {
  Carried& carried = carried_[connection.id] = {connection};
  Reply(question, Verdict::kAllow, connection.id);
  // The policy may have been narrowed while the row was being written.
  BreakIfForbidden(carried);
}

void RelayService::Reply(int64_t question, Verdict verdict, int64_t connection) {
  const RelayReply reply{kRelayMagic,
                         kRelayVersion,
                         sizeof(RelayReply),
                         static_cast<uint8_t>(RelayAnswer::kVerdict),
                         static_cast<uint8_t>(verdict == Verdict::kAllow ? 1 : 0),
                         0,
                         0,
                         question,
                         connection};
  Send(reply);
}

void RelayService::Break(int64_t connection) {
  RelayReply reply{};
  reply.magic = kRelayMagic;
  reply.version = kRelayVersion;
  reply.size = sizeof reply;
  reply.answer = static_cast<uint8_t>(RelayAnswer::kBreak);
  reply.connection = connection;
  Send(reply);
}

void RelayService::Ended(const RelayMessage& message) {
  const auto found = carried_.find(message.id);
  // What is not carried, or has ended before, cannot end.
  if (found == carried_.end()) return;
  const bool known = message.ending >= 1 && message.ending <= static_cast<uint8_t>(kLastEnding);
  ConnectionEndedRow row =
      RowFor(message.id, known ? static_cast<Ending>(message.ending) : Ending::kUnknown);
  if (found->second.forbidden) row.how = Ending::kPolicyChanged;
  row.bytes = {message.bytes_out & INT64_MAX, message.bytes_in & INT64_MAX};
  carried_.erase(found);
  endings_.RecordSoon(row);
}

void RelayService::Lose(bool unconfirmed_only) {
  for (auto entry = carried_.begin(); entry != carried_.end();) {
    if (unconfirmed_only && entry->second.confirmed) {
      ++entry;
      continue;
    }
    endings_.Record(RowFor(entry->first, Ending::kUnknown));
    entry = carried_.erase(entry);
  }
}

void RelayService::Restore(const std::vector<CarriedConnection>& open) {
  for (const CarriedConnection& connection : open) carried_[connection.id] = {connection, false};
}

void RelayService::JudgeAnew() {
  for (auto& [id, carried] : carried_) BreakIfForbidden(carried);
}

void RelayService::BreakIfForbidden(Carried& carried) {
  if (IsCovered(*session_, carried.connection)) return;
  carried.forbidden = true;
  Break(carried.connection.id);
}

std::vector<ConnectionEndedRow> RelayService::EndAll() {
  // What the relay has not told in so many turns it has not told.
  bool present = link_ != nullptr;
  for (int turn = 0; turn < kTurnsAtEnd && present && !carried_.empty(); ++turn) {
    present = Receive();
  }
  std::vector<ConnectionEndedRow> rows;
  for (const auto& [id, carried] : carried_) {
    const bool carries = present && carried.confirmed;
    rows.push_back(RowFor(id, carries ? Ending::kSessionClosed : Ending::kUnknown));
  }
  carried_.clear();
  return rows;
}

}  // namespace namegate::resolver
