#include "common/ledger_verifier.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/escape.h"
#include "common/iso_time.h"
#include "common/ledger_anchor.h"
#include "common/ledger_fixed_parts.h"
#include "common/ledger_group_difference.h"
#include "common/ledger_row_stream.h"

namespace namegate {
namespace {

// Theory of operation. All tables are read once, in the order of their ids, beside the seals, each
// of which says how far its group went. Where rows have been removed, the chain begins behind the
// seal up to which the last removal went, and what stayed before it is held against `kept`.
class Verifier {
 public:
  Verifier(Database& ledger, const std::optional<SealKey>& key,
           const std::optional<SealHead>& since)
      : ledger_(ledger), key_(key), since_(since && since->seal_id > 0 ? since : std::nullopt) {}

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
    if (auto checked = CheckFile(); !checked) return checked;
    auto differences = DifferencesOfFixedParts(ledger_);
    if (!differences) return differences.error();
    for (const std::string& difference : *differences) Find(difference);
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      auto stream = RowStream::Open(ledger_, table);
      if (!stream) return stream.error();
      streams_.push_back(*std::move(stream));
    }
    auto anchor = ReadChainAnchor(ledger_);
    if (!anchor) return anchor.error();
    if (*anchor) {
      if (auto begun = BeginChain(**anchor); !begun) return begun;
    }
    if (auto strays = FindStrays(*anchor); !strays) return strays;
    if (auto seals = FollowSeals(); !seals) return seals;
    if (auto rest = FindUnsealed(); !rest) return rest;
    if (auto told = FindTold(); !told) return told;
    return FindOrphans();
  }

  void Find(const std::string& what) {
    ++result_.finding_count;
    if (result_.findings.size() < Verification::kMaxFindings) result_.findings.push_back(what);
  }

  // The seals are over tables, which indexes need not agree with; but what people read comes from
  // indexes too.
  Result<void> CheckFile() {
    auto check = ledger_.Prepare("PRAGMA integrity_check(" +
                                 std::to_string(Verification::kMaxFindings) + ")");
    if (!check) return check.error();
    return ForEachRow(*check, [&] {
      const std::string_view line = check->text(0);
      if (line != "ok") Find("the file contradicts itself: " + Printable(line));
    });
  }

  Result<void> BeginChain(const ChainAnchor& removal) {
    result_.head = {removal.seal_id, removal.seal_digest};
    result_.removed_through_us = removal.seal_time_us;
    if (removal.covers_itself()) {
      Find("removal " + std::to_string(removal.removal_id) +
           " was inserted: it says that it was removed itself");
    }
    if (since_ && since_->seal_id <= removal.seal_id) CheckRemovedSince(removal);
    if (removal.kept_digest) return FollowKept(removal);
    // What is there up to the marks is whatever has not been removed yet.
    result_.removal_under_way = true;
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      if (auto moved = streams_[table].MoveBehind(removal.marks[table]); !moved) return moved;
    }
    return {};
  }

  void CheckRemovedSince(const ChainAnchor& removal) {
    if (since_->seal_id == removal.seal_id) return CheckSince(removal.seal_digest);
    since_seen_ = true;
    Find("seal " + std::to_string(since_->seal_id) + ", after which was asked, was removed on " +
         IsoTime(removal.begun_us) + " with what it sealed, because of its " + removal.why +
         " (removal " + std::to_string(removal.removal_id) +
         "): nothing can be said of what stands before seal " + std::to_string(removal.seal_id));
  }

  Result<void> FollowKept(const ChainAnchor& removal) {
    auto lots = ledger_.Prepare(
        "SELECT lot, place, through_id, digest, checks FROM kept WHERE removal_id = ? ORDER BY "
        "lot");
    if (!lots) return lots.error();
    lots->Bind(1, removal.removal_id);
    SealDigest end = removal.seal_digest;
    auto followed = ForEachRow(*lots, [&] { return FollowLot(*lots, removal.removal_id, end); });
    if (!followed) return followed;
    if (end != *removal.kept_digest) {
      Find("what removal " + std::to_string(removal.removal_id) + " left was changed");
    }
    return FindAny("seal", "seal_id BETWEEN 1 AND " + std::to_string(removal.seal_id),
                   " seals from before the removal were inserted");
  }

  Result<void> FindAny(const std::string& table, const std::string& where,
                       const std::string& what) {
    auto any = ledger_.QueryInteger("SELECT count(*) FROM " + table + " WHERE " + where);
    if (!any) return any.error();
    if (*any > 0) Find(std::to_string(*any) + what);
    return {};
  }

  // Rows that are in no seal, because they are there for a removal alone.
  Result<void> FindStrays(const std::optional<ChainAnchor>& removal) {
    const std::string others =
        removal ? "removal_id <> " + std::to_string(removal->removal_id) : "1";
    auto found = FindAny("seal", "seal_id < 1", " seals with numbers below 1 were inserted");
    if (!found) return found;
    found = FindAny("removal_progress", result_.removal_under_way ? others : "1",
                    " rows of removal_progress were inserted");
    // While one is under way, those of the removal before may be there yet.
    if (!found || result_.removal_under_way) return found;
    return FindAny("kept", others, " rows of kept were inserted");
  }

  Result<void> FollowLot(const Statement& lot, int64_t removal_id, SealDigest& end) {
    const int64_t number = lot.integer(0);
    const int64_t place = lot.integer(1);
    const std::string name =
        "lot " + std::to_string(number) + " of removal " + std::to_string(removal_id);
    const SealDigest digest = SealFromBlob(lot.text(3));
    SealedGroup group;
    found_.clear();
    if (place >= 0 && place < static_cast<int64_t>(kSealedTableCount)) {
      if (auto taken = TakeRows(static_cast<size_t>(place), lot.integer(2), group); !taken) {
        return taken;
      }
    }
    const SealDigest expected = group.Digest(end, number, removal_id, nullptr);
    Compare(name, expected == digest, lot.text(4), group);
    end = digest;
    return {};
  }

  Result<void> FollowSeals() {
    std::string sql = "SELECT seal_id, time_us, keyed, digest, checks";
    for (const SealedTable& table : kSealedTables) sql += std::string(", ") + table.mark;
    auto seals = ledger_.Prepare(sql + " FROM seal WHERE seal_id > ? ORDER BY seal_id");
    if (!seals) return seals.error();
    seals->Bind(1, result_.head.seal_id);
    auto followed = ForEachRow(*seals, [&] { return FollowSeal(*seals); });
    // That there was no key yet can be said of a beginning, not of all: who lacks the key would.
    if (key_ && result_.seals > 0 && !was_keyed_) {
      Find("the last seal, " + std::to_string(result_.head.seal_id) +
           ", was made without the key, as anybody can");
    }
    return followed;
  }

  Result<void> FollowSeal(const Statement& seal) {
    const int64_t id = seal.integer(0);
    const int64_t time_us = seal.integer(1);
    const bool keyed = seal.integer(2) != 0;
    const SealDigest digest = SealFromBlob(seal.text(3));
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
    const SealDigest expected =
        group->Digest(result_.head.digest, id, time_us, keyed ? &*key_ : nullptr);
    Compare(name, expected == digest, checks, *group);
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
    found_.clear();
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      const int column = static_cast<int>(5 + table);
      if (seal.is_null(column)) continue;
      if (auto taken = TakeRows(table, seal.integer(column), group); !taken) return taken.error();
    }
    return group;
  }

  // A table's rows up to `mark`, from where it has been read to.
  Result<void> TakeRows(size_t table, int64_t mark, SealedGroup& group) {
    group.BeginTable(table, mark);
    FoundRows& found = found_.emplace_back(FoundRows{table, mark, {}});
    RowStream& stream = streams_[table];
    while (!stream.at_end() && stream.id() <= mark) {
      const SealDigest digest = stream.Digest();
      group.Add(digest);
      FoundRow& row = found.rows.emplace_back(FoundRow{stream.id(), {}});
      std::copy_n(digest.begin(), row.check.size(), row.check.begin());
      ++result_.rows;
      if (auto moved = stream.Move(); !moved) return moved;
    }
    return {};
  }

  void Compare(const std::string& name, bool matches, std::string_view checks,
               const SealedGroup& group) {
    if (!matches) return Explain(name, checks, group);
    if (checks != group.checks()) Find(name + " has other checks than it was made with");
  }

  // Which rows of a group that does not match its seal are not what they were.
  void Explain(const std::string& seal, std::string_view checks, const SealedGroup& group) {
    std::vector<std::string> differences;
    if (checks != group.checks()) differences = DifferencesOfGroup(seal, found_, checks);
    for (const std::string& difference : differences) Find(difference);
    if (differences.empty()) {
      Find(seal + " does not match: it, the one before it, or a row of its group was changed" +
           GroupText());
    }
  }

  std::string GroupText() const {
    std::string text;
    for (const auto& [table, mark, rows] : found_) {
      if (rows.empty()) continue;
      text += std::string(text.empty() ? " (" : ", ") + kSealedTables[table].table + " " +
              std::to_string(rows.front().id) + " to " + std::to_string(rows.back().id);
    }
    return text.empty() ? text : text + ")";
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

  // What the daemon found before a removal, and which cannot be seen any more.
  Result<void> FindTold() {
    auto told = ledger_.Prepare(
        "SELECT notice_id, text FROM notice WHERE kind = 'changed' ORDER BY notice_id");
    if (!told) return told.error();
    return ForEachRow(*told, [&] {
      Find("notice " + std::to_string(told->integer(0)) + ": " + Printable(told->text(1)));
    });
  }

  // Rows that the selects of kSealedTables pass by.
  Result<void> FindOrphans() {
    auto orphans = FindAny("answer_record", "answer_id NOT IN (SELECT answer_id FROM answer_set)",
                           " rows of answer_record were inserted");
    if (!orphans) return orphans;
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
  const std::optional<SealHead> since_;  // nothing too for the head from before the first seal
  std::vector<RowStream> streams_;
  std::vector<FoundRows> found_;  // of the seal or lot at hand
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
  if (!digest || head.seal_id < 0) return std::nullopt;
  if (head.seal_id == 0 && *digest != SealDigest{}) return std::nullopt;
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
  return SealHead{last->integer(0), SealFromBlob(last->text(1))};
}

}  // namespace namegate
