#pragma once

#include <string>

#include "common/result.h"

namespace namegate {

// Where a daemon keeps its things. Everything lies in one directory, so that `--state-dir` alone
// names an instance.
class StatePaths {
 public:
  explicit StatePaths(std::string directory) : directory_(std::move(directory)) {}

  // /var/lib/namegate for root, else $XDG_STATE_HOME/namegate or ~/.local/state/namegate.
  static std::string DefaultDirectory();
  // Where a configuration file is looked for when none is named: /etc/namegate/namegate.toml for
  // root, else $XDG_CONFIG_HOME/namegate/namegate.toml or ~/.config/namegate/namegate.toml.
  static std::string DefaultConfigFile();

  const std::string& directory() const { return directory_; }
  std::string ledger() const { return directory_ + "/ledger.db"; }
  // If it is there: the key of the ledger's seals.
  std::string ledger_key() const { return directory_ + "/ledger.key"; }
  std::string lock() const { return directory_ + "/lock"; }
  std::string control_socket() const { return directory_ + "/control.sock"; }
  std::string log() const { return directory_ + "/namegated.log"; }
  // Holds a directory with a socket for each session; its entries cannot be listed by others, and
  // their names are unguessable, so knowing a path is the right to use it. A directory can be shown
  // to a command elsewhere, and shows the socket of the next daemon too.
  std::string gate_directory() const { return directory_ + "/gate"; }
  std::string session_directory(const std::string& token) const {
    return gate_directory() + "/" + token;
  }
  std::string gate_socket(const std::string& token) const {
    return session_directory(token) + "/gate";
  }
  // Of an enclave's session: for its relay alone, and nowhere inside.
  std::string relay_socket(const std::string& token) const {
    return session_directory(token) + ".relay";
  }

  // Creates the directory (and its parents) and gate/ if they are missing, with mode 0711. Fails if
  // a socket path would not fit into a sockaddr_un (unix(7): 107 bytes).
  Result<void> Create() const;

 private:
  std::string directory_;
};

// Hexadecimal digits of a session's token: 80 bits, short enough for a sockaddr_un.
inline constexpr size_t kTokenBytes = 10;

}  // namespace namegate
