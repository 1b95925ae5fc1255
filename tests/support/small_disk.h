#pragma once

#include <cstdint>
#include <string>

#include "tests/support/temp_dir.h"

namespace namegate::testing {

// A file system of 4 MiB that only this process and those that it starts see, and that goes with
// it.
class SmallDisk {
 public:
  // Ends the process as a skipped test where this user cannot mount one.
  SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk();

  const std::string& path() const { return directory_.path(); }

  // Takes all the room that is left.
  void Fill() const;
  void MakeRoom() const;
  // No more than so much of it.
  void MakeRoom(int64_t octets) const;
  // Only while no file on it is open for writing.
  bool SetReadOnly(bool read_only) const;

 private:
  std::string Ballast() const { return directory_.File("ballast"); }

  TempDir directory_;
};

}  // namespace namegate::testing
