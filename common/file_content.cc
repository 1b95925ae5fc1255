#include "common/file_content.h"

#include <fstream>
#include <sstream>

namespace namegate {

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace namegate
