#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/sha256.h"
#include "common/sqlite.h"

namespace namegate {

// How the ledger is sealed (schema/README.md, "Seals"): what its writer and whoever verifies it
// must do alike, and nothing else.

// A table whose rows are sealed. Rows only ever get higher ids, so those that a group wrote are the
// ones between two ids.
struct SealedTable {
  const char* table;
  const char* id;      // its INTEGER PRIMARY KEY
  const char* mark;    // the column of `seal` with its highest id
  const char* select;  // its rows with ?1 < id <= ?2 in their order; the first column is the id
};

// In the order in which a group's rows are sealed. answer_record's are sealed with answer_set's.
inline constexpr SealedTable kSealedTables[] = {
    {"name", "name_id", "name_id",
     "SELECT name_id, text FROM name WHERE name_id > ?1 AND name_id <= ?2 ORDER BY name_id"},
    {"address", "address_id", "address_id",
     "SELECT address_id, text FROM address WHERE address_id > ?1 AND address_id <= ?2"
     " ORDER BY address_id"},
    {"rule", "rule_id", "rule_id",
     "SELECT rule_id, text FROM rule WHERE rule_id > ?1 AND rule_id <= ?2 ORDER BY rule_id"},
    {"program", "program_id", "program_id",
     "SELECT program_id, text FROM program WHERE program_id > ?1 AND program_id <= ?2"
     " ORDER BY program_id"},
    {"gate", "gate_id", "gate_id",
     "SELECT gate_id, text FROM gate WHERE gate_id > ?1 AND gate_id <= ?2 ORDER BY gate_id"},
    {"policy", "policy_id", "policy_id",
     "SELECT policy_id, digest, text FROM policy WHERE policy_id > ?1 AND policy_id <= ?2"
     " ORDER BY policy_id"},
    {"record", "record_id", "record_id",
     "SELECT record_id, owner_id, type, data FROM record"
     " WHERE record_id > ?1 AND record_id <= ?2 ORDER BY record_id"},
    {"answer_set", "answer_id", "answer_id",
     "SELECT s.answer_id, s.digest, r.position, r.record_id, r.ttl FROM answer_set AS s"
     " LEFT JOIN answer_record AS r ON r.answer_id = s.answer_id"
     " WHERE s.answer_id > ?1 AND s.answer_id <= ?2 ORDER BY s.answer_id, r.position"},
    {"outcome", "outcome_id", "outcome_id",
     "SELECT outcome_id, qname_id, qtype, qclass, reason, rule_id, rcode, ede, detail FROM outcome"
     " WHERE outcome_id > ?1 AND outcome_id <= ?2 ORDER BY outcome_id"},
    {"session", "session_id", "session_id",
     "SELECT session_id, opened_us, label, gate_id, policy_id, listen, client, token, owned"
     " FROM session WHERE session_id > ?1 AND session_id <= ?2 ORDER BY session_id"},
    {"session_closing", "closing_id", "closing_id",
     "SELECT closing_id, session_id, closed_us, why FROM session_closing"
     " WHERE closing_id > ?1 AND closing_id <= ?2 ORDER BY closing_id"},
    {"query", "query_id", "query_id",
     "SELECT query_id, time_us, session_id, client_id, client_port, transport, outcome_id, verdict,"
     " source, duration_us, answer_id, answer_age FROM query"
     " WHERE query_id > ?1 AND query_id <= ?2 ORDER BY query_id"},
    {"query_count", "query_id", "counted_id",
     "SELECT query_id, count FROM query_count WHERE query_id > ?1 AND query_id <= ?2"
     " ORDER BY query_id"},
    {"connection", "connection_id", "connection_id",
     "SELECT connection_id, time_us, session_id, gate_id, pid, program_id, protocol, address_id,"
     " port, verdict, reason, rule_id, name_id, query_id FROM connection"
     " WHERE connection_id > ?1 AND connection_id <= ?2 ORDER BY connection_id"},
    {"notice", "notice_id", "notice_id",
     "SELECT notice_id, time_us, kind, text FROM notice"
     " WHERE notice_id > ?1 AND notice_id <= ?2 ORDER BY notice_id"},
    {"removal", "removal_id", "removal_id",
     "SELECT removal_id, begun_us, why, seal_id, seal_digest, seal_time_us, marks FROM removal"
     " WHERE removal_id > ?1 AND removal_id <= ?2 ORDER BY removal_id"},
    {"removal_done", "removal_id", "removed_id",
     "SELECT removal_id, done_us, queries, connections, sessions, kept_digest FROM removal_done"
     " WHERE removal_id > ?1 AND removal_id <= ?2 ORDER BY removal_id"},
    {"policy_change", "change_id", "change_id",
     "SELECT change_id, session_id, time_us, policy_id FROM policy_change"
     " WHERE change_id > ?1 AND change_id <= ?2 ORDER BY change_id"},
    {"exposure", "exposure_id", "exposure_id",
     "SELECT exposure_id, session_id, path FROM exposure"
     " WHERE exposure_id > ?1 AND exposure_id <= ?2 ORDER BY exposure_id"},
    {"connection_count", "connection_id", "counted_connection_id",
     "SELECT connection_id, count FROM connection_count"
     " WHERE connection_id > ?1 AND connection_id <= ?2 ORDER BY connection_id"},
    {"connection_ending", "ending_id", "ending_id",
     "SELECT ending_id, connection_id, closed_us, bytes_out, bytes_in, how FROM connection_ending"
     " WHERE ending_id > ?1 AND ending_id <= ?2 ORDER BY ending_id"},
};
inline constexpr size_t kSealedTableCount = std::size(kSealedTables);

// The place of a table in the list; kSealedTableCount if it is not there.
constexpr size_t SealedTablePlace(std::string_view name) {
  size_t place = 0;
  while (place < kSealedTableCount && name != kSealedTables[place].table) ++place;
  return place;
}

// The highest sealed id of each table; no id is as low as kNoMark.
inline constexpr int64_t kNoMark = INT64_MIN;
using SealMarks = std::array<int64_t, kSealedTableCount>;
inline constexpr SealMarks NoMarks() {
  SealMarks marks{};
  for (int64_t& mark : marks) mark = kNoMark;
  return marks;
}

using SealDigest = Sha256Digest;

// The secret of an operator who wants seals that nobody else can make.
class SealKey {
 public:
  // The whole content of a file is the key: 16 octets at least, 4,096 at most. The file may be
  // readable by its owner alone, who must be the caller, root, or the owner of the directory that
  // it is in. Nothing if there is no such file.
  static Result<std::optional<SealKey>> FromFile(const std::string& path);

  std::string_view bytes() const { return bytes_; }

 private:
  explicit SealKey(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes_;
};

// SHA-256 of the row that `statement` stands on, its table's place in kSealedTables included.
SealDigest RowDigest(size_t table, const Statement& statement);

// The rows of one group, in the order of kSealedTables and their ids.
class SealedGroup {
 public:
  // Octets of a row's digest that are kept, to tell which row of a group is not what it was.
  static constexpr size_t kCheckOctets = 4;

  // Must be called before the rows of a table that has some; `mark` is its highest id.
  void BeginTable(size_t table, int64_t mark);
  void Add(const SealDigest& row);

  // The digests' first octets, per table behind their number (in four octets, big-endian).
  const std::string& checks() const { return checks_; }
  // The seal: over the seal before it (zeros for the first), its number, time and whether it is
  // keyed, and all rows. HMAC if there is a key.
  SealDigest Digest(const SealDigest& previous, int64_t seal_id, int64_t time_us,
                    const SealKey* key) const;
  bool empty() const { return checks_.empty(); }

 private:
  std::string bytes_;  // what is hashed of the rows
  std::string checks_;
  size_t count_at_ = 0;  // where in checks_ the number of the table's rows stands
};

// "0a1b…", and back.
std::string SealText(const SealDigest& digest);
std::optional<SealDigest> SealFromText(std::string_view text);
// As the ledger has it; of octets that are none, no digest that holds.
SealDigest SealFromBlob(std::string_view octets);

}  // namespace namegate
