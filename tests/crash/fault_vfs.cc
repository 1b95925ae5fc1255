// Linked into namegated_faulty: a disk that fails when it is told to, that remembers what a power
// cut would leave, and a clock that can be set.
//
// Theory of operation. A VFS of SQLite's (https://sqlite.org/vfs.html) stands before the usual one.
// Every write goes through; besides, the pages that were written are noted per file, and a sync
// copies them to FILE.durable. So do some writes by chance, as the kernel writes pages back when it
// likes, in any order. After the daemon is killed, FILE.durable is what a power cut would have left
// in place of FILE. The index file (-shm) needs no copy: nobody relies on it after a crash.

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/unique_fd.h"
#include "tests/crash/faults.h"

namespace namegate::testing {
namespace {

constexpr int64_t kSector = 512;  // what a disk writes whole
constexpr unsigned kOneWriteInEarly = 4;

FaultPage* g_faults = nullptr;
sqlite3_vfs* g_usual = nullptr;

// One file of the ledger and its copy. Shared by all connections of the process to the file.
class DurableFile {
 public:
  explicit DurableFile(const std::string& path)
      : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        copy_(open(Unfinished(path).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    // What was there when the power came on is on the disk.
    CopyRange(0, SizeOf(file_));
    if (rename(Unfinished(path).c_str(), (path + kDurableSuffix).c_str()) != 0) std::abort();
  }

  void NoteWrite(int64_t offset, int64_t length) {
    const std::lock_guard lock(mutex_);
    for (int64_t sector = offset / kSector; sector * kSector < offset + length; ++sector) {
      if (early_() % kOneWriteInEarly == 0) {
        CopyRange(sector * kSector, kSector);
      } else {
        unsynced_.insert(sector);
      }
    }
  }

  void Sync() {
    const std::lock_guard lock(mutex_);
    for (const int64_t sector : unsynced_) CopyRange(sector * kSector, kSector);
    unsynced_.clear();
    // A copy that is not what was synced would blame the daemon for it.
    if (ftruncate(copy_.get(), SizeOf(file_)) != 0) std::abort();
  }

 private:
  static std::string Unfinished(const std::string& path) { return path + kDurableSuffix + "~"; }

  static off_t SizeOf(const UniqueFd& fd) {
    struct stat status {};
    return fstat(fd.get(), &status) == 0 ? status.st_size : 0;
  }

  void CopyRange(int64_t offset, int64_t length) const {
    std::array<char, 65'536> buffer;
    while (length > 0) {
      const auto wanted = std::min(static_cast<size_t>(length), buffer.size());
      const ssize_t got = pread(file_.get(), buffer.data(), wanted, offset);
      if (got <= 0 || pwrite(copy_.get(), buffer.data(), static_cast<size_t>(got), offset) != got) {
        return;
      }
      offset += got;
      length -= got;
    }
  }

  const UniqueFd file_;
  const UniqueFd copy_;
  std::mutex mutex_;
  std::set<int64_t> unsynced_;
  std::minstd_rand early_{std::random_device{}()};
};

// The copies that are kept, by the paths of their files. Those of deleted files stay in memory, as
// somebody may have them open.
class DurableFiles {
 public:
  DurableFile* At(const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto& file = files_[path];
    if (!file) file = std::make_unique<DurableFile>(path);
    return file.get();
  }

  void Delete(const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto node = files_.extract(path);
    if (node.empty()) return;
    unlink((path + kDurableSuffix).c_str());
    deleted_.push_back(std::move(node.mapped()));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<DurableFile>> files_;
  std::vector<std::unique_ptr<DurableFile>> deleted_;
};

DurableFiles& Copies() {
  static DurableFiles copies;
  return copies;
}

// What SQLite sees of an open file; the usual VFS's own follows it in memory.
struct FaultFile {
  sqlite3_file base;
  DurableFile* durable;

  sqlite3_file* usual() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* Of(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
sqlite3_file* Usual(sqlite3_file* file) { return Of(file)->usual(); }
const sqlite3_io_methods* Methods(sqlite3_file* file) { return Usual(file)->pMethods; }

// SQLITE_OK if writing goes well; the codes are those that SQLite's own VFS makes of these errors.
int WriteFault() {
  switch (g_faults->fault) {
    case Fault::kFull:
      errno = ENOSPC;
      return SQLITE_FULL;
    case Fault::kQuota:
      errno = EDQUOT;
      return SQLITE_IOERR_WRITE;
    case Fault::kReadOnly:
      errno = EROFS;
      return SQLITE_IOERR_WRITE;
    case Fault::kIoError:
      errno = EIO;
      return SQLITE_IOERR_WRITE;
    case Fault::kNone:
    case Fault::kSync:
      break;
  }
  return SQLITE_OK;
}

int Write(sqlite3_file* file, const void* octets, int length, sqlite3_int64 offset) {
  if (const int fault = WriteFault(); fault != SQLITE_OK) return fault;
  const int code = Methods(file)->xWrite(Usual(file), octets, length, offset);
  if (code == SQLITE_OK && Of(file)->durable != nullptr) {
    Of(file)->durable->NoteWrite(offset, length);
  }
  return code;
}

int Sync(sqlite3_file* file, int flags) {
  if (g_faults->fault == Fault::kSync) return SQLITE_IOERR_FSYNC;
  const int code = Methods(file)->xSync(Usual(file), flags);
  if (code == SQLITE_OK && Of(file)->durable != nullptr) Of(file)->durable->Sync();
  return code;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* file) { return Methods(file)->xClose(Usual(file)); },
    .xRead =
        [](sqlite3_file* file, void* octets, int length, sqlite3_int64 offset) {
          return Methods(file)->xRead(Usual(file), octets, length, offset);
        },
    .xWrite = &Write,
    .xTruncate = [](sqlite3_file* file,
                    sqlite3_int64 size) { return Methods(file)->xTruncate(Usual(file), size); },
    .xSync = &Sync,
    .xFileSize = [](sqlite3_file* file,
                    sqlite3_int64* size) { return Methods(file)->xFileSize(Usual(file), size); },
    .xLock = [](sqlite3_file* file, int lock) { return Methods(file)->xLock(Usual(file), lock); },
    .xUnlock = [](sqlite3_file* file,
                  int lock) { return Methods(file)->xUnlock(Usual(file), lock); },
    .xCheckReservedLock =
        [](sqlite3_file* file, int* held) {
          return Methods(file)->xCheckReservedLock(Usual(file), held);
        },
    .xFileControl =
        [](sqlite3_file* file, int operation, void* argument) {
          return Methods(file)->xFileControl(Usual(file), operation, argument);
        },
    .xSectorSize = [](sqlite3_file* file) { return Methods(file)->xSectorSize(Usual(file)); },
    // The usual one may promise what this disk does not hold: that writes are atomic, or in order.
    .xDeviceCharacteristics = [](sqlite3_file*) { return 0; },
    .xShmMap =
        [](sqlite3_file* file, int page, int size, int extend, void volatile** at) {
          return Methods(file)->xShmMap(Usual(file), page, size, extend, at);
        },
    .xShmLock =
        [](sqlite3_file* file, int offset, int count, int flags) {
          return Methods(file)->xShmLock(Usual(file), offset, count, flags);
        },
    .xShmBarrier = [](sqlite3_file* file) { Methods(file)->xShmBarrier(Usual(file)); },
    .xShmUnmap = [](sqlite3_file* file,
                    int remove) { return Methods(file)->xShmUnmap(Usual(file), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* opened = new (file) FaultFile{};
  const int code = g_usual->xOpen(g_usual, path, opened->usual(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  opened->base.pMethods = &kMethods;
  constexpr int kKept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  if (g_faults->track_power && path != nullptr && (flags & kKept) != 0) {
    opened->durable = Copies().At(path);
  }
  return SQLITE_OK;
}

int Delete(sqlite3_vfs*, const char* path, int sync_directory) {
  const int code = g_usual->xDelete(g_usual, path, sync_directory);
  if (code == SQLITE_OK) Copies().Delete(path);
  return code;
}

__attribute__((constructor)) void Register() {
  const char* path = std::getenv(kFaultsVariable);
  if (path == nullptr) return;
  g_faults = MapFaults(path);
  if (g_faults == nullptr || sqlite3_initialize() != SQLITE_OK) std::abort();
  g_usual = sqlite3_vfs_find(nullptr);
  // Its functions find what they need in the structure that they are given, so a copy will do.
  static sqlite3_vfs vfs = *g_usual;
  vfs.pNext = nullptr;
  vfs.zName = "faulty";
  vfs.szOsFile = static_cast<int>(sizeof(FaultFile)) + g_usual->szOsFile;
  vfs.xOpen = &Open;
  vfs.xDelete = &Delete;
  if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) std::abort();
}

}  // namespace
}  // namespace namegate::testing

// The clock that std::chrono::system_clock reads. CLOCK_MONOTONIC goes on as it does.
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                                    timespec* time) noexcept {
  const long code = syscall(SYS_clock_gettime, clock, time);
  if (code == 0 && clock == CLOCK_REALTIME && namegate::testing::g_faults != nullptr) {
    time->tv_sec += namegate::testing::g_faults->clock_offset_s;
  }
  return static_cast<int>(code);
}
