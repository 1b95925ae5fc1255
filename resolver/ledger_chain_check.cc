#include "resolver/ledger_chain_check.h"

#include <algorithm>

namespace namegate::resolver {
namespace {

// Rows at a time, as in a removal.
constexpr size_t kCheckedRows = 256;

SealDigest DigestFrom(std::string_view bytes) {
  SealDigest digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace

ChainCheck::ChainCheck(Database& database, std::optional<ChainAnchor> from, int64_t through_seal_id,
                       std::optional<SealKey> key)
    : database_(database),
      from_(std::move(from)),
      through_seal_id_(through_seal_id),
      key_(std::move(key)),
      lots_left_(from_.has_value()) {
  if (from_) previous_ = from_->seal_digest;
  if (from_) last_seal_ = from_->seal_id;
  lots_.sql =
      "SELECT lot, place, through_id, digest FROM kept WHERE removal_id = ? AND lot > ?"
      " ORDER BY lot LIMIT 1";
  std::string marks;
  for (const SealedTable& table : kSealedTables) {
    marks += std::string(", ") + table.mark;
    selects_.push_back({table.select, {}});
  }
  seals_.sql = "SELECT seal_id, time_us, keyed, digest" + marks +
               " FROM seal WHERE seal_id > ? AND seal_id <= ? ORDER BY seal_id LIMIT 1";
}

Result<void> ChainCheck::Prepare() {
  if (seals_.statement.handle() != nullptr) return {};
  for (Prepared& select : selects_) {
    if (auto done = PrepareAll(database_, {&select}); !done) return done;
  }
  return PrepareAll(database_, {&lots_, &seals_});
}

Result<bool> ChainCheck::Step(std::chrono::steady_clock::time_point deadline) {
  if (auto prepared = Prepare(); !prepared) return prepared.error();
  do {
    if (!link_) {
      auto any = ReadLink();
      if (!any) return any.error();
      if (!*any) return true;
    }
    auto read = AddRows();
    if (!read) return read.error();
    if (!*read) continue;
    Compare();
    if (!mismatch_.empty()) return true;
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

Result<bool> ChainCheck::ReadLink() {
  link_.reset();
  group_ = {};
  table_at_ = 0;
  if (lots_left_) {
    auto lot = ReadLot();
    if (!lot || *lot) return lot;
    lots_left_ = false;
    if (from_->kept_digest != previous_) {
      mismatch_ = "what removal " + std::to_string(from_->removal_id) + " left";
      return false;
    }
    previous_ = from_->seal_digest;
  }
  return ReadSeal();
}

Result<bool> ChainCheck::ReadLot() {
  Statement& select = lots_.statement;
  select.Bind(1, from_->removal_id);
  select.Bind(2, last_lot_);
  auto row = select.Step();
  if (!row || !*row) {
    select.Reset();
    return row;
  }
  last_lot_ = select.integer(0);
  link_ =
      Link{"lot " + std::to_string(last_lot_) + " of removal " + std::to_string(from_->removal_id),
           last_lot_,
           from_->removal_id,
           false,
           DigestFrom(select.text(3)),
           {}};
  const auto place = static_cast<size_t>(select.integer(1));
  if (place < kSealedTableCount) link_->marks.emplace_back(place, select.integer(2));
  select.Reset();
  return true;
}

// Up to the seal behind the last of them, which binds that: a beginning that was remade without the
// key holds by itself.
Result<bool> ChainCheck::ReadSeal() {
  Statement& select = seals_.statement;
  select.Bind(1, last_seal_);
  select.Bind(2, through_seal_id_ + 1);
  auto row = select.Step();
  if (!row || !*row) {
    select.Reset();
    return row;
  }
  const int64_t expected = ++last_seal_;
  link_ = Link{"seal " + std::to_string(expected),
               select.integer(0),
               select.integer(1),
               select.integer(2) != 0,
               DigestFrom(select.text(3)),
               {}};
  for (size_t table = 0; table < kSealedTableCount; ++table) {
    const int column = static_cast<int>(4 + table);
    if (!select.is_null(column)) link_->marks.emplace_back(table, select.integer(column));
  }
  select.Reset();
  if (link_->number == expected) return true;
  mismatch_ = link_->name;  // it is gone
  return false;
}

// Some rows of the link at hand; true when all of its rows have been read.
Result<bool> ChainCheck::AddRows() {
  if (table_at_ == link_->marks.size()) return true;
  const auto [table, mark] = link_->marks[table_at_];
  if (!std::exchange(table_begun_, true)) group_.BeginTable(table, mark);
  Statement& select = selects_[table].statement;
  select.Bind(1, after_[table]);
  select.Bind(2, mark);
  size_t rows = 0;
  auto row = select.Step();
  // The rows of one id (of an answer) stay together.
  while (row && *row && (rows < kCheckedRows || select.integer(0) == after_[table])) {
    group_.Add(RowDigest(table, select));
    after_[table] = select.integer(0);
    ++rows;
    row = select.Step();
  }
  select.Reset();
  if (!row) return row;
  if (*row) return false;
  after_[table] = std::max(after_[table], mark);
  table_begun_ = false;
  return ++table_at_ == link_->marks.size();
}

void ChainCheck::Compare() {
  const bool has_key = key_.has_value();
  const SealDigest digest = group_.Digest(previous_, link_->number, link_->time_us,
                                          link_->keyed && has_key ? &*key_ : nullptr);
  if (digest != link_->digest || (link_->keyed && !has_key)) mismatch_ = link_->name;
  previous_ = link_->digest;
  link_.reset();
}

}  // namespace namegate::resolver
