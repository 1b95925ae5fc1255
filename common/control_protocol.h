#pragma once

// The control protocol: JSON objects, one a line, over the Unix stream socket
// StatePaths::control_socket(). A client sends requests; each gets one response, in order. The
// daemon serves callers whose uid (SO_PEERCRED) is its own or 0, and who are in its own user
// namespace (peer_namespace.h), and tells others so.
//
// Every request has "command"; every response has "ok" (bool), and if that is false "error" (text
// for a person). Unknown commands and unknown or mistyped fields are errors.
//
//   {"command":"session.open", "allow":[RULE…], "allow_private":[RULE…], "label":TEXT,
//   "gate":"enclave" or "preload",
//    "listen":"ADDR[:PORT]", "client":"PREFIX", "owned":BOOL, "preload":BOOL, "exposed":[PATH…]}
//       All but "command" optional. "owned": the session closes when this connection does.
//       "preload": inside the enclave programs load the preload gate as well, so what reaches the
//       relay without having asked there went round it. "exposed": sockets of the host that an
//       enclave's command can see, for the record.
//     → {"ok":true, "session":SESSION}
//   {"command":"session.adopt", "session":ID, "preload":BOOL}
//       An owned session, open again after the daemon was killed, has this connection for an owner.
//     → {"ok":true, "session":SESSION}
//   {"command":"session.update", "session":ID, "allow":[RULE…], "allow_private":[RULE…],
//    "remove":[RULE…]}
//       All but the first two optional. Rules are removed first, each as session.show gives it
//       without " private", then added. What the policy does not allow any more ends at once.
//     → {"ok":true, "session":SESSION}
//   {"command":"session.list"}                 → {"ok":true, "sessions":[SESSION…]}
//   {"command":"session.show", "session":ID}   → {"ok":true, "session":SESSION}
//   {"command":"session.close", "session":ID}  → {"ok":true}
//   {"command":"status"}                       → {"ok":true, "status":STATUS}
//
// SESSION: {"id":INT, "label":TEXT, "gate":TEXT, "opened":TEXT (ISO 8601 UTC), "rules":[TEXT…],
//   "nameserver":"ADDR:PORT", "client":TEXT, "gate_socket":PATH, "relay_socket":PATH (of an
//   enclave), "hellos":INT (processes that loaded the gate), "queries":INT, "connections":INT,
//   "denials":INT, "leases":INT}
// STATUS: {"version":TEXT, "pid":INT, "state_dir":PATH, "ledger":PATH, "ledger_ok":BOOL,
//   "ledger_trouble":TEXT, "started":TEXT, "exit_when_idle":BOOL, "sessions":INT, "queries":INT,
//   "connections":INT, "cache_entries":INT, "in_flight":INT, "upstreams":[{"address":TEXT,
//   "ok":BOOL, "sent":INT, "failed":INT, "wrong_replies":INT}…]}

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate {

// A policy of 10,000 rules fits; a peer that sends more without a newline is cut off.
inline constexpr size_t kMaxControlLine = size_t{1} << 20;

// Cuts what arrives on a stream into lines.
class LineSplitter {
 public:
  // False if a line outgrew kMaxControlLine; nothing more should be read then.
  bool Append(std::string_view bytes);
  // The next whole line without its newline, or nothing yet.
  std::optional<std::string> Next();

 private:
  std::string buffer_;
};

// A client's blocking connection to the daemon.
class ControlClient {
 public:
  // The error says what to do if no daemon listens there.
  static Result<ControlClient> Connect(const std::string& socket_path);

  // Sends one request and waits for its response. An "ok":false response is returned as an error.
  Result<nlohmann::json> Call(const nlohmann::json& request);

  int fd() const { return socket_.get(); }

 private:
  explicit ControlClient(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  LineSplitter lines_;
};

}  // namespace namegate
