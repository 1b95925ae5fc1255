#include "resolver/host_resolvers.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace namegate::resolver {
namespace {

TEST_CASE("The host's resolvers are others when the file names others, not while it names none") {
  const testing::TempDir dir;
  const auto write = [&](const std::string& text) { return dir.Write("resolv.conf", text); };
  HostResolvers host(write("# none yet\n"));
  CHECK_FALSE(host.Read());
  write("nameserver 192.0.2.53\n");
  CHECK(host.Read());
  CHECK_FALSE(host.Read());
  write("nameserver 192.0.2.53\nsearch example.org\n");
  CHECK_FALSE(host.Read());
  write("nameserver 192.0.2.53\nnameserver 192.0.2.54\n");
  CHECK(host.Read());
  CHECK(host.upstreams().at(1).ToText() == "192.0.2.54:53");
  write("");
  CHECK_FALSE(host.Read());
  std::filesystem::remove(host.path());
  CHECK_FALSE(host.Read());
  CHECK(host.upstreams().size() == 2);
}

}  // namespace
}  // namespace namegate::resolver
