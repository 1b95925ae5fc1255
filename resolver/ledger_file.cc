#include "resolver/ledger_file.h"

#include "schema/schema.h"

namespace namegate::resolver {
namespace {

// How long the writer waits for a lock that someone else holds, before it says that it cannot
// record. Nobody else should ever hold it; clients give up after some seconds.
constexpr int kBusyTimeoutMs = 1000;

Error CannotOpen(const std::string& path, const std::string& why) {
  return Error{"open ledger '" + path + "': " + why};
}

// The PRAGMAs of every writing connection. auto_vacuum comes before the first table and
// journal_mode, or it would not take; it lets expired data be given back to the file system later.
Result<void> Configure(Database& database, Durability durability) {
  sqlite3_busy_timeout(database.handle(), kBusyTimeoutMs);
  return database.Execute(
      "PRAGMA auto_vacuum = INCREMENTAL;"
      "PRAGMA journal_mode = WAL;"
      // Checkpoints are LedgerCheckpointer's.
      "PRAGMA wal_autocheckpoint = 0;"
      // A write-ahead log that grew under a long reader is cut back to some 64 MiB.
      "PRAGMA journal_size_limit = 67502080;"  // LedgerLogLength::kKeptPages
      "PRAGMA cache_size = -16384;"            // 16 MiB
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA trusted_schema = OFF;"
      "PRAGMA cell_size_check = ON;" +
      std::string(durability == Durability::kPower ? "PRAGMA synchronous = FULL;"
                                                   : "PRAGMA synchronous = NORMAL;"));
}

Result<void> RequireWal(Database& database) {
  auto statement = database.Prepare("PRAGMA journal_mode");
  if (!statement) return statement.error();
  auto row = statement->Step();
  if (!row) return row.error();
  if (*row && statement->text(0) == "wal") return {};
  return Error{"this file system does not support SQLite's write-ahead log"};
}

// The version of the ledger, 0 for an empty file.
Result<int> VersionOf(Database& database) {
  auto application = database.QueryInteger("PRAGMA application_id");
  if (!application) return application.error();
  auto version = database.QueryInteger("PRAGMA user_version");
  if (!version) return version.error();
  auto tables = database.QueryInteger("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const bool empty = *application == 0 && *version == 0 && *tables == 0;
  if (!empty && (*application != schema::kApplicationId || *version < 1)) {
    return Error{"this is a SQLite database, but not a ledger of Namegate; move it away"};
  }
  if (*version > schema::CurrentVersion()) {
    return Error{"a newer Namegate wrote it (schema " + std::to_string(*version) +
                 ", this one knows up to " + std::to_string(schema::CurrentVersion()) +
                 "); use that version, or move the file away to begin a new one"};
  }
  return static_cast<int>(*version);
}

Result<void> ApplyNewerThan(int version, Database& database) {
  for (const schema::Migration& migration : schema::Migrations()) {
    if (migration.version <= version) continue;
    auto applied = database.Execute(std::string(migration.sql) + "PRAGMA user_version = " +
                                    std::to_string(migration.version) + ";");
    if (!applied) {
      return Error{"migrate to schema " + std::to_string(migration.version) + ": " +
                   applied.error().message};
    }
  }
  return {};
}

Result<void> Migrate(Database& database) {
  if (auto begun = database.Execute("BEGIN EXCLUSIVE"); !begun) return begun;
  auto version = VersionOf(database);
  Result<void> done = version ? ApplyNewerThan(*version, database) : version.error();
  if (done) done = database.Execute("COMMIT");
  if (!done && sqlite3_get_autocommit(database.handle()) == 0) {
    // The first cause is what the caller needs; that of a failed rollback adds nothing.
    static_cast<void>(database.Execute("ROLLBACK"));
  }
  return done;
}

Result<void> Prepare(Database& database, Durability durability) {
  // Nothing of a foreign file may be changed, so look before the PRAGMAs that write.
  if (auto version = VersionOf(database); !version) return version.error();
  if (auto configured = Configure(database, durability); !configured) return configured;
  if (auto wal = RequireWal(database); !wal) return wal;
  return Migrate(database);
}

}  // namespace

Result<Database> OpenLedgerFile(const std::string& path, Durability durability) {
  auto database = Database::Open(path, Database::Mode::kReadWriteCreate);
  if (!database) return database.error();
  if (auto prepared = Prepare(*database, durability); !prepared) {
    if (sqlite3_errcode(database->handle()) == SQLITE_NOTADB) {
      return CannotOpen(path, "this file is not a ledger of Namegate; move it away");
    }
    if ((sqlite3_errcode(database->handle()) & 0xff) == SQLITE_BUSY) {
      return CannotOpen(path,
                        prepared.error().message +
                            "; another program is writing to it, such as a sqlite3 shell with "
                            "an open transaction: end that");
    }
    return CannotOpen(path, prepared.error().message);
  }
  return database;
}

Result<Database> OpenLedgerForCheckpoints(const std::string& path, Durability durability) {
  auto database = Database::Open(path, Database::Mode::kReadWriteCreate);
  if (!database) return database.error();
  if (auto configured = Configure(*database, durability); !configured) {
    return CannotOpen(path, configured.error().message);
  }
  return database;
}

}  // namespace namegate::resolver
