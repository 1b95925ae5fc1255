#include "resolver/ledger_damage.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/sqlite.h"
#include "common/system_error.h"
#include "common/unique_fd.h"
#include "schema/schema.h"

namespace namegate::resolver {
namespace {

// https://sqlite.org/fileformat.html#the_database_header
constexpr size_t kHeaderSize = 100;
constexpr char kMagic[] = "SQLite format 3";
constexpr size_t kApplicationIdAt = 68;
// Names tried for a ledger that is set aside, if there are others of the same second.
constexpr int kMaxNames = 100;

uintmax_t SizeOf(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

bool BeginsAsLedger(const std::string& path) {
  char header[kHeaderSize] = {};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(header, sizeof header)) return false;
  if (std::memcmp(header, kMagic, sizeof kMagic) != 0) return false;
  int64_t id = 0;
  for (size_t i = 0; i < 4; ++i) {
    id = id << 8 | static_cast<uint8_t>(header[kApplicationIdAt + i]);
  }
  return id == schema::kApplicationId;
}

bool CannotBeRead(const std::string& path) {
  auto database = Database::Open(path, Database::Mode::kReadOnly);
  if (!database) return false;
  auto check = database->Prepare("PRAGMA quick_check(1)");
  const auto row = check ? check->Step() : check.error();
  if (!row) return IsDamage(sqlite3_errcode(database->handle()));
  return !*row || check->text(0) != "ok";
}

std::string Stamp(int64_t now_us) {
  const std::time_t seconds = now_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H-%M-%SZ", &utc);
  return {text, length};
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// What is put behind the path of a ledger that is set aside.
std::string FreeSuffix(const std::string& path, int64_t now_us) {
  const std::string first = ".damaged-" + Stamp(now_us);
  std::string suffix = first;
  for (int i = 2; i <= kMaxNames && (Exists(path + suffix) || Exists(path + suffix + "-wal"));
       ++i) {
    suffix = first + "-" + std::to_string(i);
  }
  return suffix;
}

Error CannotMove(const std::string& path, const std::string& to) {
  return SystemError("move '" + path + "' to '" + to + "'");
}

Error Cannot(const char* action, const std::string& path) {
  return SystemError(std::string(action) + " '" + path + "'");
}

Result<void> SyncDirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  const UniqueFd fd(
      open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return Cannot("sync", directory);
  return {};
}

Result<void> WriteFile(const std::string& path, const std::string& text) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return Cannot("write", path);
  const ssize_t written = write(fd.get(), text.data(), text.size());
  if (written >= 0 && static_cast<size_t>(written) < text.size()) errno = ENOSPC;
  if (written < 0 || static_cast<size_t>(written) < text.size() || fsync(fd.get()) != 0) {
    return Cannot("write", path);
  }
  return {};
}

// What is being done with a damaged ledger, kept in a file until it is done: that a kill or a full
// disk in the middle leaves neither half of it behind nor a new ledger that says nothing of it.
struct Intent {
  std::string suffix;
  std::string text;
};

std::string IntentPath(const std::string& path) { return path + ".setting-aside"; }

Result<void> WriteIntent(const std::string& path, const Intent& intent) {
  const std::string whole = IntentPath(path);
  const std::string part = whole + ".new";
  auto written = WriteFile(part, intent.suffix + "\n" + intent.text);
  if (written && rename(part.c_str(), whole.c_str()) != 0) written = CannotMove(part, whole);
  if (!written) {
    unlink(part.c_str());
    return written;
  }
  return SyncDirectoryOf(path);
}

Result<Intent> ReadIntent(const std::string& path) {
  std::ifstream file(IntentPath(path), std::ios::binary);
  Intent intent;
  if (!std::getline(file, intent.suffix) || !intent.suffix.starts_with(".damaged-")) {
    return Error{"read '" + IntentPath(path) +
                 "': it does not say where the damaged ledger goes; remove it"};
  }
  intent.text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return intent;
}

// The log first, which belongs to the file, as SQLite finds it by its name: once the ledger itself
// has been moved, all has, and what is at `path` is the new one.
Result<void> MoveAside(const std::string& path, const std::string& to) {
  if (Exists(to)) return {};
  if (!Exists(path)) {
    // Only the log was left.
    if (auto made = WriteFile(path, ""); !made) return made;
  }
  if (Exists(path + "-wal") && rename((path + "-wal").c_str(), (to + "-wal").c_str()) != 0) {
    return CannotMove(path + "-wal", to + "-wal");
  }
  if (rename(path.c_str(), to.c_str()) != 0) return CannotMove(path, to);
  unlink((path + "-shm").c_str());  // made anew from the log by whoever reads it
  return SyncDirectoryOf(path);
}

}  // namespace

bool IsDamage(int sqlite_code) {
  const int code = sqlite_code & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

bool HasLostItsBeginning(const std::string& path) {
  return SizeOf(path) == 0 && SizeOf(path + "-wal") > 0;
}

bool IsDamagedLedger(const std::string& path) { return BeginsAsLedger(path) && CannotBeRead(path); }

Result<std::string> SetLedgerAside(const std::string& path, const std::string& what,
                                   int64_t now_us) {
  if (!IsBeingSetAside(path)) {
    const std::string suffix = FreeSuffix(path, now_us);
    const std::string to = path + suffix;
    if (Exists(to)) return Error{"move '" + path + "': there are too many like '" + to + "'"};
    auto written = WriteIntent(
        path, {suffix, "the ledger was damaged (" + what + ") and set aside as '" + to + "'"});
    if (!written) return written.error();
  }
  auto intent = ReadIntent(path);
  if (!intent) return intent.error();
  if (auto moved = MoveAside(path, path + intent->suffix); !moved) return moved.error();
  return intent->text;
}

bool IsBeingSetAside(const std::string& path) { return Exists(IntentPath(path)); }

Result<void> FinishSettingAside(const std::string& path) {
  if (unlink(IntentPath(path).c_str()) != 0) return Cannot("remove", IntentPath(path));
  return {};
}

}  // namespace namegate::resolver
