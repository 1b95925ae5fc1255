#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace namegate::testing {

// What happens to files of the ledger when they are written.
enum class Fault : uint32_t {
  kNone = 0,
  kFull,      // ENOSPC: SQLITE_FULL
  kQuota,     // EDQUOT, as a full quota gives
  kReadOnly,  // EROFS, as a file system that was remounted read-only gives
  kIoError,   // EIO
  kSync,      // fsync(2) fails
};

// The page that a test shares with a namegated_faulty that it runs, by the file that
// NAMEGATE_TEST_FAULTS names.
struct FaultPage {
  std::atomic<Fault> fault{Fault::kNone};
  // Added to the clock of the wall, CLOCK_REALTIME.
  std::atomic<int64_t> clock_offset_s{0};
  // Whether a copy is kept of what would survive a power cut.
  std::atomic<bool> track_power{false};
};

inline constexpr char kFaultsVariable[] = "NAMEGATE_TEST_FAULTS";
// Behind the name of a file: the copy of what was synced, or reached the disk early.
inline constexpr char kDurableSuffix[] = ".durable";

// The page in the file at `path`, which is created; null if it cannot be mapped. Never unmapped.
FaultPage* MapFaults(const std::string& path);

}  // namespace namegate::testing
