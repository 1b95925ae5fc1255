// The control socket: lines come in pieces, cut wherever the peer likes.

#include <vector>

#include "common/control_protocol.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

std::vector<std::string> Lines(std::string_view stream, size_t piece) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  while (!stream.empty()) {
    const std::string_view chunk = stream.substr(0, piece);
    stream.remove_prefix(chunk.size());
    if (!splitter.Append(chunk)) break;
    while (auto line = splitter.Next()) lines.push_back(*line);
  }
  return lines;
}

void TryInput(const uint8_t* data, size_t size) {
  const std::string_view stream = Text(data, size);
  const auto whole = Lines(stream, size + 1);
  Promise(whole == Lines(stream, 1), "lines do not depend on how they arrive");
  Promise(whole == Lines(stream, 7), "lines do not depend on how they arrive");
  for (const std::string& line : whole) {
    Promise(line.find('\n') == std::string::npos, "a line has no newline");
  }
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
