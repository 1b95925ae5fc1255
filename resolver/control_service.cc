#include "resolver/control_service.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/peer_namespace.h"
#include "resolver/control_request.h"

namespace namegate::resolver {
namespace {

using Json = nlohmann::json;

constexpr int kControlBacklog = 128;

// Why the peer may not command this daemon; nothing if it may.
std::optional<std::string> WhyNot(uv_pipe_t* pipe) {
  uv_os_fd_t fd = -1;
  ucred peer{};
  socklen_t length = sizeof peer;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(pipe), &fd) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 ||
      (peer.uid != 0 && peer.uid != geteuid())) {
    return "this daemon belongs to another user; run it as root or as uid " +
           std::to_string(geteuid());
  }
  const PeerNamespace where = UserNamespaceOfPeer(fd);
  // Root's processes may be hidden from this one (proc(5), hidepid).
  const bool others = where == PeerNamespace::kUnknown && peer.uid != geteuid();
  if (where == PeerNamespace::kOurs || others) return std::nullopt;
  if (where == PeerNamespace::kUnknown) {
    return "this daemon cannot see who calls it: he has gone, or is outside of its pid namespace; "
           "call it from where it runs";
  }
  return "this daemon is not commanded from another user namespace than its own, such as a "
         "command's in an enclave";
}

Json Refusal(const std::string& why) { return {{"ok", false}, {"error", why}}; }

}  // namespace

// One client. Requests are served one after the other, so that responses keep their order.
class ControlService::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ControlService& service, UvHandle<uv_pipe_t> pipe)
      : service_(&service), pipe_(std::move(pipe)), buffer_(kBuffer) {
    pipe_->data = this;
  }

  void Start() {
    uv_read_start(
        pipe_.stream(),
        [](uv_handle_t* handle, size_t, uv_buf_t* space) {
          auto& room = static_cast<Connection*>(handle->data)->buffer_;
          *space = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
        },
        [](uv_stream_t* stream, ssize_t count, const uv_buf_t* space) {
          static_cast<Connection*>(stream->data)->OnRead(count, space->base);
        });
  }

  void Respond(const Json& response) {
    busy_ = false;
    if (!pipe_) return;
    struct Write {
      uv_write_t request;
      std::string line;
    };
    auto* write = new Write{};
    write->request.data = write;
    // Invalid UTF-8 in a label must not end the daemon: it is replaced.
    write->line = response.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const uv_buf_t buffer =
        uv_buf_init(write->line.data(), static_cast<unsigned>(write->line.size()));
    const int code =
        uv_write(&write->request, pipe_.stream(), &buffer, 1,
                 [](uv_write_t* done, int) { delete static_cast<Write*>(done->data); });
    if (code != 0) delete write;
  }

  // Tells why, and closes once that is written.
  void Refuse(const std::string& why) {
    Respond(Refusal(why));
    refused_ = true;
    Start();
  }

  void Detach() {
    service_ = nullptr;
    pipe_.Reset();
  }

  std::vector<int64_t> TakeOwned() { return std::exchange(owned_, {}); }

 private:
  static constexpr size_t kBuffer = 65'536;

  void OnRead(ssize_t count, const char* bytes) {
    const auto alive = shared_from_this();
    if (count == 0) return;
    if (count < 0) return End();
    if (refused_) return;
    if (!lines_.Append({bytes, static_cast<size_t>(count)})) {
      Respond(Refusal("the request is longer than 1 MiB"));
      return End();
    }
    ServeLines();
  }

  void ServeLines() {
    while (!busy_ && pipe_) {
      const auto line = lines_.Next();
      if (!line) return;
      busy_ = true;
      const auto request = ParseControlRequest(*line);
      if (request) {
        Serve(*request);
      } else {
        Respond(Refusal(request.error().message));
      }
    }
  }

  void Serve(const ControlRequest& request) {
    switch (request.command) {
      case ControlRequest::Command::kOpen:
        return OpenSession(request);
      case ControlRequest::Command::kAdopt:
        return AdoptSession(request);
      case ControlRequest::Command::kUpdate:
        return UpdateSession(request);
      case ControlRequest::Command::kList:
        return ListSessions();
      case ControlRequest::Command::kShow:
        return ShowSession(request.session);
      case ControlRequest::Command::kClose:
        return CloseSession(request.session);
      case ControlRequest::Command::kStatus:
        return Respond({{"ok", true}, {"status", service_->status_()}});
    }
  }

  void OpenSession(const ControlRequest& request) {
    const auto self = shared_from_this();
    SessionManager& manager = service_->manager_;
    SessionRequest open = request.open;
    open.owned = request.owned;
    manager.Open(std::move(open), [self, &manager, owned = request.owned](
                                      Result<std::shared_ptr<Session>> session) {
      if (!session) {
        self->Respond(Refusal(session.error().message));
      } else if (owned && !self->pipe_) {
        manager.Close((*session)->id, "owner-gone");  // it left before the session was there
      } else {
        if (owned) self->owned_.push_back((*session)->id);
        self->Respond({{"ok", true}, {"session", SessionToJson(**session, manager)}});
      }
      self->ServeLines();
    });
  }

  void AdoptSession(const ControlRequest& request) {
    const auto session = service_->manager_.Adopt(request.session, request.preload);
    if (!session) return Respond(Refusal(session.error().message));
    owned_.push_back((*session)->id);
    Respond({{"ok", true}, {"session", SessionToJson(**session, service_->manager_)}});
  }

  void UpdateSession(const ControlRequest& request) {
    const auto self = shared_from_this();
    SessionManager& manager = service_->manager_;
    manager.Update(
        request.session, request.update,
        [self, &manager](Result<std::shared_ptr<Session>> session) {
          if (session) {
            self->Respond({{"ok", true}, {"session", SessionToJson(**session, manager)}});
          } else {
            self->Respond(Refusal(session.error().message));
          }
          self->ServeLines();
        });
  }

  void ListSessions() {
    Json list = Json::array();
    for (const auto& session : service_->sessions_.all()) {
      list.push_back(SessionToJson(*session, service_->manager_));
    }
    Respond({{"ok", true}, {"sessions", list}});
  }

  void ShowSession(int64_t id) {
    const auto session = service_->sessions_.Find(id);
    if (!session) return Respond(Refusal(NoSession(id)));
    Respond({{"ok", true}, {"session", SessionToJson(*session, service_->manager_)}});
  }

  void CloseSession(int64_t id) {
    std::erase(owned_, id);
    const auto self = shared_from_this();
    const bool open = service_->manager_.Close(id, "closed", [self, id](bool committed) {
      self->Respond(committed ? Json{{"ok", true}} : Refusal(NotRecorded(id)));
      self->ServeLines();
    });
    if (!open) Respond(Refusal(NoSession(id)));
  }

  static std::string NotRecorded(int64_t id) {
    return "session " + std::to_string(id) +
           " is closed, but the ledger cannot be written; it is recorded as soon as it can be";
  }

  static std::string NoSession(int64_t id) {
    return "no session " + std::to_string(id) + " is open; see: namegate session list";
  }

  void End() {
    pipe_.Reset();
    if (service_ != nullptr) service_->OnEnded(this);
  }

  ControlService* service_;
  UvHandle<uv_pipe_t> pipe_;
  std::vector<char> buffer_;
  LineSplitter lines_;
  std::vector<int64_t> owned_;
  bool busy_ = false;
  bool refused_ = false;
};

Result<std::unique_ptr<ControlService>> ControlService::Listen(uv_loop_t* loop,
                                                               const std::string& path,
                                                               SessionManager& manager,
                                                               SessionTable& sessions,
                                                               StatusOf status, Ended ended) {
  std::unique_ptr<ControlService> service(
      new ControlService(loop, path, manager, sessions, std::move(status), std::move(ended)));
  unlink(path.c_str());
  const mode_t previous = umask(0177);
  int code = uv_pipe_bind(service->socket_.get(), path.c_str());
  umask(previous);
  if (code == 0) {
    code =
        uv_listen(service->socket_.stream(), kControlBacklog, [](uv_stream_t* server, int result) {
          static_cast<ControlService*>(server->data)->OnConnection(result);
        });
  }
  if (code != 0) return Error{"listen at '" + path + "': " + uv_strerror(code)};
  return service;
}

ControlService::ControlService(uv_loop_t* loop, std::string path, SessionManager& manager,
                               SessionTable& sessions, StatusOf status, Ended ended)
    : loop_(loop),
      path_(std::move(path)),
      manager_(manager),
      sessions_(sessions),
      status_(std::move(status)),
      ended_(std::move(ended)) {
  socket_.Make(this, [&](uv_pipe_t* pipe) { return uv_pipe_init(loop, pipe, 0); });
}

ControlService::~ControlService() {
  for (const auto& connection : connections_) connection->Detach();
  StopAccepting();
}

// libuv removes the path of a pipe that it bound.
void ControlService::StopAccepting() { socket_.Reset(); }

void ControlService::OnConnection(int status) {
  if (status != 0) return;
  UvHandle<uv_pipe_t> accepted;
  accepted.Make(this, [&](uv_pipe_t* pipe) { return uv_pipe_init(loop_, pipe, 0); });
  if (uv_accept(socket_.stream(), accepted.stream()) != 0) return;
  if (connections_.size() >= kMaxConnections) return;
  const auto why_not = WhyNot(accepted.get());
  const auto connection = std::make_shared<Connection>(*this, std::move(accepted));
  connections_.insert(connection);
  if (why_not) return connection->Refuse(*why_not);
  connection->Start();
}

void ControlService::OnEnded(Connection* connection) {
  for (const int64_t id : connection->TakeOwned()) manager_.Close(id, "owner-gone");
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& held) { return held.get() == connection; });
  if (found != connections_.end()) connections_.erase(found);
  ended_();
}

}  // namespace namegate::resolver
