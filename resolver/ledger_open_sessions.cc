#include "resolver/ledger_open_sessions.h"

#include "resolver/ledger_sessions.h"

namespace namegate::resolver {

Result<LedgerOpenSessions> LedgerOpenSessions::Read(const std::string& path) {
  const auto open = ReadOpenSessions(path);
  if (!open) return open.error();
  LedgerOpenSessions sessions;
  for (const OpenSession& session : *open) {
    SessionOpenedRow& row = sessions.sessions_[session.id];
    row.session = session.id;
    row.time_us = session.opened_us;
    row.label = session.label;
    row.gate = session.gate;
    row.policy = session.policy;
    row.listen = session.listen;
    row.client = session.client;
    row.token = session.token;
    row.owned = session.owned;
    row.exposed = session.exposed;
  }
  return sessions;
}

void LedgerOpenSessions::Note(std::span<const LedgerRow> rows, const std::vector<bool>& committed) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!committed[i]) continue;
    if (const auto* opened = std::get_if<SessionOpenedRow>(&rows[i])) {
      sessions_[opened->session] = *opened;
    } else if (const auto* closed = std::get_if<SessionClosedRow>(&rows[i])) {
      sessions_.erase(closed->session);
    } else if (const auto* changed = std::get_if<PolicyChangedRow>(&rows[i])) {
      const auto session = sessions_.find(changed->session);
      if (session != sessions_.end()) session->second.policy = changed->policy;
    }
  }
}

std::vector<LedgerRow> LedgerOpenSessions::rows() const {
  std::vector<LedgerRow> rows;
  for (const auto& [id, row] : sessions_) rows.emplace_back(row);
  return rows;
}

}  // namespace namegate::resolver
