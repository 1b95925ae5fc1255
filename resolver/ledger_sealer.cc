#include "resolver/ledger_sealer.h"

#include <algorithm>
#include <cstring>

namespace namegate::resolver {
namespace {

std::string MarkColumns() {
  std::string columns;
  for (const SealedTable& table : kSealedTables) columns += std::string(", ") + table.mark;
  return columns;
}

std::string InsertSql() {
  std::string values = "?, ?, ?, ?, ?";
  for (size_t i = 0; i < kSealedTableCount; ++i) values += ", ?";
  return "INSERT INTO seal (seal_id, time_us, keyed, digest, checks" + MarkColumns() +
         ") VALUES (" + values + ")";
}

}  // namespace

LedgerSealer::LedgerSealer(Database& database, std::optional<SealKey> key)
    : database_(database), key_(std::move(key)), written_(NoMarks()), insert_{InsertSql(), {}} {
  for (const SealedTable& table : kSealedTables) selects_.push_back({table.select, {}});
}

LedgerSealer::~LedgerSealer() { sqlite3_update_hook(database_.handle(), nullptr, nullptr); }

Result<std::unique_ptr<LedgerSealer>> LedgerSealer::Create(Database& database,
                                                           std::optional<SealKey> key) {
  std::unique_ptr<LedgerSealer> sealer(new LedgerSealer(database, std::move(key)));
  for (Prepared& select : sealer->selects_) {
    if (auto prepared = PrepareAll(database, {&select}); !prepared) return prepared.error();
  }
  if (auto prepared = PrepareAll(database, {&sealer->insert_}); !prepared) return prepared.error();
  if (auto read = sealer->ReadLast(); !read) return read.error();
  if (auto read = sealer->ReadMarks(); !read) return read.error();
  sqlite3_update_hook(database.handle(), &OnChange, sealer.get());
  return sealer;
}

Result<void> LedgerSealer::ReadLast() {
  auto last = database_.Prepare(
      "SELECT seal_id, time_us, digest, keyed FROM seal ORDER BY seal_id DESC LIMIT 1");
  if (!last) return last.error();
  auto row = last->Step();
  if (!row) return row.error();
  if (!*row) return {};
  last_.id = last->integer(0);
  last_.time_us = last->integer(1);
  const std::string_view digest = last->text(2);
  std::copy_n(digest.begin(), std::min(digest.size(), last_.digest.size()), last_.digest.begin());
  return CheckKey(last->integer(3) != 0);
}

// A key that was lost, replaced or not mounted yet must not weaken the chain in silence.
Result<void> LedgerSealer::CheckKey(bool last_is_keyed) {
  key_is_new_ = key_ && !last_is_keyed;
  if (!last_is_keyed) return {};
  const std::string seal = "go on with the ledger: its last seal, " + std::to_string(last_.id);
  const std::string what_to_do =
      ". Put back the ledger.key that it was written with, or move ledger.db away, and"
      " ledger.db-wal if it is there, to begin a new ledger";
  if (!key_) return Error{seal + ", was made with a key, and there is no ledger.key" + what_to_do};
  auto holds = Holds(last_.id);
  if (!holds) return holds.error();
  if (*holds) return {};
  return Error{seal + ", does not match ledger.key: it was made with another, or its rows were" +
               " changed since, which namegate audit verify tells" + what_to_do};
}

// What the ledger holds is sealed already, or, before the first seal, will be with the first group.
// Rows that somebody else added meanwhile are in no group that was sealed, and are found so.
Result<void> LedgerSealer::ReadMarks() {
  SealMarks& marks = last_.id == 0 ? unsealed_ : last_.marks;
  for (size_t i = 0; i < kSealedTableCount; ++i) {
    const SealedTable& table = kSealedTables[i];
    auto highest =
        database_.QueryInteger("SELECT coalesce(max(" + std::string(table.id) + "), " +
                               std::to_string(kNoMark + 1) + " - 1) FROM " + table.table);
    if (!highest) return highest.error();
    marks[i] = *highest;
  }
  written_ = unsealed_;
  return {};
}

void LedgerSealer::OnChange(void* self, int operation, const char*, const char* table,
                            sqlite3_int64 id) {
  if (operation != SQLITE_INSERT) return;
  auto& written = static_cast<LedgerSealer*>(self)->written_;
  for (size_t i = kSealedTableCount; i-- > 0;) {  // the most frequent stand last
    if (std::strcmp(table, kSealedTables[i].table) != 0) continue;
    written[i] = std::max<int64_t>(written[i], id);
    return;
  }
}

Result<void> LedgerSealer::Seal(int64_t now_us) {
  SealedGroup group;
  next_ = last_;
  for (size_t table = 0; table < kSealedTableCount; ++table) {
    if (written_[table] == kNoMark) continue;
    if (auto sealed = SealTable(table, group); !sealed) return sealed;
  }
  if (group.empty()) return {};
  next_.id = last_.id + 1;
  next_.time_us = std::max(now_us, last_.time_us);
  next_.digest = group.Digest(last_.digest, next_.id, next_.time_us, key_ ? &*key_ : nullptr);
  return Insert(group);
}

Result<void> LedgerSealer::SealTable(size_t table, SealedGroup& group) {
  if (written_[table] <= last_.marks[table]) {
    return Error{std::string("seal ") + kSealedTables[table].table + ": row " +
                 std::to_string(written_[table]) + " comes out of order"};
  }
  next_.marks[table] = written_[table];
  group.BeginTable(table, written_[table]);
  Statement& select = selects_[table].statement;
  select.Bind(1, last_.marks[table]);
  select.Bind(2, written_[table]);
  auto row = select.Step();
  while (row && *row) {
    group.Add(RowDigest(table, select));
    row = select.Step();
  }
  if (!row) return row.error();
  select.Reset();
  return {};
}

Result<void> LedgerSealer::Insert(const SealedGroup& group) {
  Statement& insert = insert_.statement;
  insert.Bind(1, next_.id);
  insert.Bind(2, next_.time_us);
  insert.Bind(3, int64_t{key_ ? 1 : 0});
  insert.BindBlob(4, next_.digest);
  insert.BindBlob(5,
                  {reinterpret_cast<const uint8_t*>(group.checks().data()), group.checks().size()});
  for (size_t i = 0; i < kSealedTableCount; ++i) {
    const int parameter = static_cast<int>(6 + i);
    if (written_[i] == kNoMark) {
      insert.BindNull(parameter);
    } else {
      insert.Bind(parameter, written_[i]);
    }
  }
  return insert.Run();
}

void LedgerSealer::Committed() {
  if (next_.id != 0) {
    last_ = next_;
    unsealed_ = NoMarks();
  }
  written_ = NoMarks();
}

void LedgerSealer::RolledBack() {
  next_ = last_;
  written_ = unsealed_;
}

}  // namespace namegate::resolver
