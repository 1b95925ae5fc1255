#include "common/ledger_verifier.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "common/escape.h"
#include "schema/schema.h"

namespace namegate {
namespace {

using Check = std::array<uint8_t, SealedGroup::kCheckOctets>;

// Pairs of rows that are compared to find out which was removed or inserted; beyond, the group is
// named as a whole.
constexpr size_t kMaxComparisons = 4'000'000;

SealDigest DigestFrom(std::string_view bytes) {
  SealDigest digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

// A table's rows, one after the other.
class RowStream {
 public:
  static Result<RowStream> Open(Database& ledger, size_t table) {
    auto select = ledger.Prepare(kSealedTables[table].select);
    if (!select) return select.error();
    select->Bind(1, kNoMark);
    select->Bind(2, INT64_MAX);
    RowStream stream(table, *std::move(select));
    if (auto moved = stream.Move(); !moved) return moved.error();
    return stream;
  }

  bool at_end() const { return at_end_; }
  int64_t id() const { return select_.integer(0); }
  Result<SealDigest> Digest() const { return RowDigest(table_, select_); }
  Result<void> Move() {
    auto row = select_.Step();
    if (!row) return row.error();
    at_end_ = !*row;
    return {};
  }

 private:
  RowStream(size_t table, Statement select) : table_(table), select_(std::move(select)) {}
  size_t table_;
  Statement select_;
  bool at_end_ = false;
};

struct FoundRow {
  int64_t id = 0;
  Check check{};
};

// What a seal says of one table's rows.
struct ExpectedRows {
  bool known = false;
  std::vector<Check> checks;
};

// Takes the checks of one table off the front of `bytes`; unknown if that is not what they are.
ExpectedRows TakeChecks(std::string_view& bytes) {
  ExpectedRows rows;
  if (bytes.size() < 4) return rows;
  size_t count = 0;
  for (int i = 0; i < 4; ++i)
    count = count << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  bytes.remove_prefix(4);
  if (bytes.size() / SealedGroup::kCheckOctets < count) return rows;
  rows.known = true;
  for (size_t i = 0; i < count; ++i) {
    Check check{};
    std::copy_n(bytes.begin(), check.size(), check.begin());
    rows.checks.push_back(check);
    bytes.remove_prefix(check.size());
  }
  return rows;
}

class Verifier {
 public:
  Verifier(Database& ledger, const std::optional<SealKey>& key,
           const std::optional<SealHead>& since)
      : ledger_(ledger), key_(key), since_(since) {}

  Result<Verification> Run() {
    // One moment: what is written meanwhile is not seen.
    if (auto begun = ledger_.Execute("BEGIN"); !begun) return begun.error();
    auto done = RunInTransaction();
    const auto ended = ledger_.Execute("ROLLBACK");
    if (!done) return done.error();
    if (!ended) return ended.error();
    if (since_ && !since_seen_) {
      Find("seal " + std::to_string(since_->seal_id) + ", after which was asked, is not there");
    }
    return std::move(result_);
  }

 private:
  Result<void> RunInTransaction() {
    if (auto fixed = CompareFixedParts(); !fixed) return fixed;
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      auto stream = RowStream::Open(ledger_, table);
      if (!stream) return stream.error();
      streams_.push_back(*std::move(stream));
    }
    if (auto seals = FollowSeals(); !seals) return seals;
    if (auto rest = FindUnsealed(); !rest) return rest;
    return FindOrphans();
  }

  void Find(const std::string& what) {
    ++result_.finding_count;
    if (result_.findings.size() < Verification::kMaxFindings) result_.findings.push_back(what);
  }

  // Tables, views and the words in them are the same in every ledger of this version.
  Result<void> CompareFixedParts() {
    auto fresh = Database::Open(":memory:", Database::Mode::kReadWriteCreate);
    if (!fresh) return fresh.error();
    for (const schema::Migration& migration : schema::Migrations()) {
      if (auto done = fresh->Execute(std::string(migration.sql)); !done) return done;
    }
    const std::pair<const char*, const char*> parts[] = {
        {"",
         "SELECT type || ' ' || name, sql FROM sqlite_schema"
         " WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"},
        {"reason ",
         "SELECT reason_id, code || ' ' || alarm || ' ' || meaning FROM reason ORDER BY 1"},
        {"source ", "SELECT source_id, name FROM source ORDER BY 1"},
        {"rrtype ", "SELECT code, name FROM rrtype ORDER BY 1"},
        {"rcode ", "SELECT code, name FROM rcode ORDER BY 1"}};
    for (const auto& [what, sql] : parts) {
      auto expected = ReadPairs(*fresh, sql);
      if (!expected) return expected.error();
      auto found = ReadPairs(ledger_, sql);
      if (!found) return found.error();
      Compare(what, *expected, *found);
    }
    return {};
  }

  static Result<std::map<std::string, std::string>> ReadPairs(Database& database, const char* sql) {
    auto select = database.Prepare(sql);
    if (!select) return select.error();
    std::map<std::string, std::string> pairs;
    while (true) {
      auto row = select->Step();
      if (!row) return row.error();
      if (!*row) return pairs;
      pairs.emplace(select->text(0), select->text(1));
    }
  }

  void Compare(const std::string& what, const std::map<std::string, std::string>& expected,
               const std::map<std::string, std::string>& found) {
    for (const auto& [name, text] : expected) {
      const auto same = found.find(name);
      if (same == found.end()) Find(what + name + " was removed");
      if (same != found.end() && same->second != text) Find(what + name + " was changed");
    }
    for (const auto& [name, text] : found) {
      if (!expected.contains(name)) Find(what + Printable(name) + " was inserted");
    }
  }

  Result<void> FollowSeals() {
    std::string sql = "SELECT seal_id, time_us, keyed, digest, checks";
    for (const SealedTable& table : kSealedTables) sql += std::string(", ") + table.mark;
    auto seals = ledger_.Prepare(sql + " FROM seal ORDER BY seal_id");
    if (!seals) return seals.error();
    while (true) {
      auto row = seals->Step();
      if (!row) return row.error();
      if (!*row) return {};
      if (auto followed = FollowSeal(*seals); !followed) return followed;
    }
  }

  Result<void> FollowSeal(const Statement& seal) {
    const int64_t id = seal.integer(0);
    const int64_t time_us = seal.integer(1);
    const bool keyed = seal.integer(2) != 0;
    const SealDigest digest = DigestFrom(seal.text(3));
    const std::string checks(seal.text(4));
    const std::string name = "seal " + std::to_string(id);
    if (keyed && !key_) {
      return Error{"verify " + name + ": it was made with a key, which is needed: --key FILE"};
    }
    if (id != result_.head.seal_id + 1) {
      Find(name + " follows " + std::to_string(result_.head.seal_id) +
           ": those between were removed, or it was inserted");
    }
    if (!keyed && was_keyed_) Find(name + " was made without the key, those before it with it");
    if (time_us < last_time_us_) Find(name + " is older than the one before it");
    auto group = TakeGroup(seal);
    if (!group) return group.error();
    auto expected = group->Digest(result_.head.digest, id, time_us, keyed ? &*key_ : nullptr);
    if (!expected) return expected.error();
    if (*expected != digest) Explain(name, checks, *group);
    if (since_ && since_->seal_id == id) CheckSince(digest);
    ++result_.seals;
    if (!keyed) ++result_.unkeyed;
    was_keyed_ = was_keyed_ || keyed;
    last_time_us_ = time_us;
    // The digest that stands there, so that one change is not found in all seals after it.
    result_.head = {id, digest};
    return {};
  }

  void CheckSince(const SealDigest& digest) {
    since_seen_ = true;
    if (digest != since_->digest) {
      Find("seal " + std::to_string(since_->seal_id) +
           " is not the one that was kept: what stands before it has been changed");
    }
  }

  Result<SealedGroup> TakeGroup(const Statement& seal) {
    SealedGroup group;
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      rows_[table].clear();
      touched_[table] = !seal.is_null(static_cast<int>(5 + table));
      if (!touched_[table]) continue;
      const int64_t mark = seal.integer(static_cast<int>(5 + table));
      marks_[table] = mark;
      group.BeginTable(table, mark);
      RowStream& stream = streams_[table];
      while (!stream.at_end() && stream.id() <= mark) {
        auto digest = stream.Digest();
        if (!digest) return digest.error();
        group.Add(*digest);
        FoundRow row{stream.id(), {}};
        std::copy_n(digest->begin(), row.check.size(), row.check.begin());
        rows_[table].push_back(row);
        ++result_.rows;
        if (auto moved = stream.Move(); !moved) return moved.error();
      }
    }
    return group;
  }

  // Which rows of a group that does not match its seal are not what they were.
  void Explain(const std::string& seal, std::string_view checks, const SealedGroup& group) {
    const uint64_t before = result_.finding_count;
    if (checks != group.checks()) {
      for (size_t table = 0; table < kSealedTableCount; ++table) {
        if (touched_[table]) ExplainTable(seal, table, TakeChecks(checks));
      }
    }
    if (result_.finding_count == before) {
      Find(seal + " does not match: it, the seal before it, or a row of its group was changed" +
           GroupText());
    }
  }

  std::string GroupText() const {
    std::string text;
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      if (rows_[table].empty()) continue;
      text += std::string(text.empty() ? " (" : ", ") + kSealedTables[table].table + " " +
              std::to_string(rows_[table].front().id) + " to " +
              std::to_string(rows_[table].back().id);
    }
    return text.empty() ? text : text + ")";
  }

  void ExplainTable(const std::string& seal, size_t table, const ExpectedRows& expected) {
    if (!expected.known) return;
    const std::vector<FoundRow>& found = rows_[table];
    const std::vector<Check>& checks = expected.checks;
    size_t front = 0;
    while (front < std::min(found.size(), checks.size()) && found[front].check == checks[front]) {
      ++front;
    }
    size_t back = 0;
    while (back < std::min(found.size(), checks.size()) - front &&
           found[found.size() - 1 - back].check == checks[checks.size() - 1 - back]) {
      ++back;
    }
    Align(seal, table, front, {found.begin() + Offset(front), found.end() - Offset(back)},
          {checks.begin() + Offset(front), checks.end() - Offset(back)}, back == 0);
  }

  static std::ptrdiff_t Offset(size_t size) { return static_cast<std::ptrdiff_t>(size); }

  // The longest common subsequence tells what stayed; what is between is paired as changed as far
  // as it goes, and the rest was removed or inserted. `found` begins at `front` of the table's
  // rows; `to_end` says whether the last row that was sealed is among `checks`.
  void Align(const std::string& seal, size_t table, size_t front,
             const std::vector<FoundRow>& found, const std::vector<Check>& checks, bool to_end) {
    const std::string name = kSealedTables[table].table;
    if (found.size() == checks.size()) {
      for (size_t i = 0; i < found.size(); ++i) {
        if (found[i].check != checks[i]) Row(name, found[i].id, "was changed", seal);
      }
      return;
    }
    const size_t rows = found.size();
    const size_t columns = checks.size();
    if ((rows + 1) * (columns + 1) > kMaxComparisons) {
      return Find(std::to_string(columns) + " rows of " + name + " were sealed by " + seal +
                  ", and now there are " + std::to_string(rows) + " in their place");
    }
    std::vector<uint32_t> lengths((rows + 1) * (columns + 1), 0);
    const auto length = [&](size_t i, size_t j) -> uint32_t& {
      return lengths[i * (columns + 1) + j];
    };
    for (size_t i = rows; i-- > 0;) {
      for (size_t j = columns; j-- > 0;) {
        length(i, j) = found[i].check == checks[j] ? length(i + 1, j + 1) + 1
                                                   : std::max(length(i + 1, j), length(i, j + 1));
      }
    }
    size_t i = 0;
    size_t j = 0;
    while (i < rows || j < columns) {
      if (i < rows && j < columns && found[i].check == checks[j]) {
        ++i;
        ++j;
      } else if (j < columns && (i == rows || length(i, j + 1) >= length(i + 1, j))) {
        Removed(table, front + i, to_end && j + 1 == columns, seal);
        ++j;
      } else {
        Row(name, found[i].id, "was inserted or changed", seal);
        ++i;
      }
    }
  }

  void Row(const std::string& table, int64_t id, const std::string& what, const std::string& seal) {
    Find(table + " " + std::to_string(id) + " " + what + " (" + seal + ")");
  }

  // A row that stood before the one at `at`, or at the end.
  void Removed(size_t table, size_t at, bool last, const std::string& seal) {
    const std::string name = kSealedTables[table].table;
    const std::vector<FoundRow>& found = rows_[table];
    const bool between = at > 0 && at < found.size();
    if (last) return Row(name, marks_[table], "was removed", seal);
    if (between && found[at].id == found[at - 1].id + 2) {
      return Row(name, found[at].id - 1, "was removed", seal);
    }
    std::string where;
    if (at > 0) where += " after " + std::to_string(found[at - 1].id);
    if (between) where += " and";
    if (at < found.size()) where += " before " + std::to_string(found[at].id);
    Find("a row of " + name + where + " was removed (" + seal + ")");
  }

  Result<void> FindUnsealed() {
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      RowStream& stream = streams_[table];
      while (!stream.at_end()) {
        Find(std::string(kSealedTables[table].table) + " " + std::to_string(stream.id()) +
             " was inserted: no seal covers it");
        ++result_.rows;
        if (auto moved = stream.Move(); !moved) return moved;
      }
    }
    return {};
  }

  // Rows that the selects of kSealedTables pass by.
  Result<void> FindOrphans() {
    auto orphans = ledger_.QueryInteger(
        "SELECT count(*) FROM answer_record"
        " WHERE answer_id NOT IN (SELECT answer_id FROM answer_set)");
    if (!orphans) return orphans.error();
    if (*orphans > 0) Find(std::to_string(*orphans) + " rows of answer_record were inserted");
    for (const SealedTable& table : kSealedTables) {
      const std::string lowest = std::to_string(kNoMark + 1) + " - 1";
      auto extra = ledger_.QueryInteger("SELECT count(*) FROM " + std::string(table.table) +
                                        " WHERE " + table.id + " = " + lowest);
      if (!extra) return extra.error();
      if (*extra > 0) Find("the lowest row of " + std::string(table.table) + " was inserted");
    }
    return {};
  }

  Database& ledger_;
  const std::optional<SealKey>& key_;
  const std::optional<SealHead>& since_;
  std::vector<RowStream> streams_;
  // Of the seal at hand.
  std::array<std::vector<FoundRow>, kSealedTableCount> rows_;
  std::array<bool, kSealedTableCount> touched_{};
  SealMarks marks_{};
  bool was_keyed_ = false;
  bool since_seen_ = false;
  int64_t last_time_us_ = INT64_MIN;
  Verification result_;
};

}  // namespace

std::optional<SealHead> SealHead::FromText(std::string_view text) {
  SealHead head;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.seal_id);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return std::nullopt;
  const auto digest = SealFromText(text.substr(static_cast<size_t>(end - text.data()) + 1));
  if (!digest || head.seal_id < 1) return std::nullopt;
  head.digest = *digest;
  return head;
}

Result<Verification> VerifyLedger(Database& ledger, const std::optional<SealKey>& key,
                                  const std::optional<SealHead>& since) {
  return Verifier(ledger, key, since).Run();
}

Result<SealHead> ReadSealHead(Database& ledger) {
  auto last = ledger.Prepare("SELECT seal_id, digest FROM seal ORDER BY seal_id DESC LIMIT 1");
  if (!last) return last.error();
  auto row = last->Step();
  if (!row) return row.error();
  if (!*row) return SealHead{};
  return SealHead{last->integer(0), DigestFrom(last->text(1))};
}

}  // namespace namegate
