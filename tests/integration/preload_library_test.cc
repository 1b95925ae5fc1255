// The file libnamegate.so itself: what it needs from others and what it shows to them.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "tests/integration/preload_fixture.h"

namespace namegate::testing {
namespace {

std::string ReadElf(const std::string& what) {
  const Outcome outcome = Run({"readelf", "--wide", what, PreloadLibrary()});
  REQUIRE(outcome.status == 0);
  return outcome.out;
}

// Column 7 and 8 of `readelf --dyn-syms`: the section ("UND" for what is needed) and the name.
std::set<std::string> Symbols(bool undefined) {
  std::istringstream lines(ReadElf("--dyn-syms"));
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    std::string number, value, size, type, bind, visibility, section, name;
    columns >> number >> value >> size >> type >> bind >> visibility >> section >> name;
    if (bind != "GLOBAL" && bind != "WEAK") continue;
    if ((section == "UND") == undefined) names.insert(name.substr(0, name.find('@')));
  }
  return names;
}

TEST_CASE("libnamegate.so needs libc and the dynamic linker, and no other library") {
  std::istringstream lines(ReadElf("--dynamic"));
  std::set<std::string> needed;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    const size_t from = line.find('[') + 1;
    needed.insert(line.substr(from, line.find(']') - from));
  }
  needed.erase("ld-linux-aarch64.so.1");  // holds the stack protector's canary there
  CHECK(needed == std::set<std::string>{"libc.so.6"});
}

TEST_CASE("libnamegate.so shows the symbols that it gates and no others") {
  CHECK(Symbols(false) == std::set<std::string>{"connect", "__connect", "send", "__send", "sendto",
                                                "sendmsg", "sendmmsg", "socket", "setsockopt",
                                                "syscall"});
}

TEST_CASE("libnamegate.so takes from libc errno, the environment and the stack guard alone") {
  const std::set<std::string> known = {"__errno_location", "environ", "__environ",
                                       "__stack_chk_fail", "__stack_chk_guard"};
  std::set<std::string> unknown;
  for (const std::string& name : Symbols(true)) {
    if (known.count(name) == 0) unknown.insert(name);
  }
  CHECK(unknown.empty());
}

TEST_CASE("libnamegate.so has no executable stack, no thread-local storage and no lazy binding") {
  const std::string segments = ReadElf("--segments");
  CHECK(Count(segments, "RWE") == 0);
  CHECK(Count(segments, "  TLS  ") == 0);
  CHECK(Count(segments, "GNU_RELRO") > 0);
  CHECK(Count(ReadElf("--dynamic"), "NOW INITFIRST") == 1);
}

}  // namespace
}  // namespace namegate::testing
