#pragma once

#include <string>

namespace namegate::testing {

// A directory of the test's own, removed with everything in it when the object goes. Its path is
// short, so that Unix sockets fit below it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // Writes `text` to a file in the directory and returns its path.
  std::string Write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// The whole of a file; empty if there is none.
std::string ReadFile(const std::string& path);

}  // namespace namegate::testing
