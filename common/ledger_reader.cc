#include "common/ledger_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "schema/schema.h"

namespace namegate {
namespace {

// A reader waits only in the moments in which the write-ahead log is set up or recovered.
constexpr int kBusyTimeoutMs = 5000;

Error CannotRead(const std::string& path, const std::string& why) {
  return Error{"read ledger '" + path + "': " + why};
}

// Of a file, or a directory above it, that others may not look into.
Error MayNotRead(const std::string& path) {
  return CannotRead(path, std::string(std::strerror(errno)) +
                              "; read it as the user whom the daemon runs as, or as root");
}

Result<void> CheckFile(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return CannotRead(path,
                        "there is none; give the daemon's directory with --state-dir, or start "
                        "namegated to begin one");
    }
    return errno == EACCES ? MayNotRead(path) : CannotRead(path, std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return CannotRead(path, "not a file");
  if (access(path.c_str(), R_OK) != 0) return MayNotRead(path);
  return {};
}

bool HasLog(const std::string& path) {
  struct stat status {};
  return stat((path + "-wal").c_str(), &status) == 0 && status.st_size > 0;
}

Result<void> CheckVersion(Database& database) {
  auto application = database.QueryInteger("PRAGMA application_id");
  if (!application) return application.error();
  if (*application != schema::kApplicationId) {
    return Error{"this is not a ledger of Namegate"};
  }
  auto version = database.QueryInteger("PRAGMA user_version");
  if (!version) return version.error();
  const std::string versions = "(schema " + std::to_string(*version) + ", this one reads " +
                               std::to_string(schema::CurrentVersion()) + ")";
  if (*version > schema::CurrentVersion()) {
    return Error{"a newer Namegate wrote it " + versions + "; use that version"};
  }
  if (*version < schema::CurrentVersion()) {
    return Error{"an older Namegate wrote it " + versions + "; start namegated once to migrate it"};
  }
  return {};
}

Result<Database> Open(const std::string& path, Database::Mode mode) {
  auto database = Database::Open(path, mode);
  if (!database) return database;
  sqlite3_busy_timeout(database->handle(), kBusyTimeoutMs);
  if (auto version = CheckVersion(*database); !version) {
    const int code = sqlite3_errcode(database->handle());
    if (code == SQLITE_NOTADB) return CannotRead(path, "this is not a ledger of Namegate");
    return CannotRead(path, version.error().message);
  }
  return database;
}

}  // namespace

Result<Database> OpenLedgerToRead(const std::string& path) {
  if (auto file = CheckFile(path); !file) return file.error();
  auto database = Open(path, Database::Mode::kReadOnly);
  // SQLite needs its -wal and -shm files beside the ledger, and may not be allowed to create them
  // (https://sqlite.org/wal.html#readonly). Without a log, the file holds everything.
  if (!database && access((path + "-shm").c_str(), F_OK) != 0 && !HasLog(path)) {
    return Open(path, Database::Mode::kImmutable);
  }
  return database;
}

}  // namespace namegate
