// The service of the system, as it is installed: what systemd makes of it, without running it.

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/process.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kUnits[] = "/usr/lib/systemd/system";

// A root directory with what `make install DESTDIR=…` puts there, and the system's own units.
class InstalledTest {
 public:
  InstalledTest() {
    NeedPrograms({"systemd-analyze"});
    if (!fs::exists(kUnits)) Skip("systemd's own units are missing");
    const Outcome installed =
        Run({"cmake", "--install", BuildPath("")}, {{{"DESTDIR", root_.path()}}, ""});
    INFO(installed.out << installed.err);
    REQUIRE(installed.status == 0);
    // Their targets are needed; symlinks in them lead nowhere below another root.
    fs::create_directories(root_.File(kUnits));
    fs::copy(kUnits, root_.File(kUnits),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks |
                 fs::copy_options::skip_existing);
  }

  Outcome Analyze(std::vector<std::string> words) const {
    words.insert(words.begin(), {"systemd-analyze", "--root=" + root_.path(), "--man=no"});
    return Run(words);
  }

 private:
  TempDir root_;
};

TEST_CASE_METHOD(InstalledTest,
                 "systemd understands every line of the service, and finds its program") {
  const Outcome verified = Analyze({"verify", "namegated.service"});
  CHECK(verified.out + verified.err == "");
  CHECK(verified.status == 0);
}

// 0 is the least that a service can do, 10 all that root can; what listens to a network is
// given 1.x at best.
TEST_CASE_METHOD(InstalledTest, "systemd rates what the service could do as little") {
  const Outcome rated =
      Analyze({"security", "--offline=true", "--threshold=20", "namegated.service"});
  INFO(rated.out << rated.err);
  CHECK(rated.status == 0);
}

}  // namespace
}  // namespace namegate::testing
