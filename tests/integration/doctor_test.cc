// `namegate doctor`: what it finds where all is well, where a gate has a hole, and where there can
// be no gate.

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/integration/command_harness.h"
#include "tests/support/skip.h"
#include "tests/support/wait.h"

namespace namegate::testing {
namespace {

using Catch::Contains;
using Json = nlohmann::json;

// The doctor, and what it printed as JSON.
struct Visit {
  int status = -1;
  Json json;
  std::string err;

  Json ProbeNamed(const std::string& name) const {
    for (const Json& probe : json.at("probes")) {
      if (probe.at("name") == name) return probe;
    }
    return {};
  }
  std::string State(const std::string& probe, const std::string& gate) const {
    return ProbeNamed(probe).at(gate).at("state");
  }
  std::vector<std::string> WithState(const std::string& state, const std::string& gate) const {
    std::vector<std::string> names;
    for (const Json& probe : json.at("probes")) {
      if (probe.at(gate).at("state") == state) names.push_back(probe.at("name"));
    }
    return names;
  }
  bool Has(const std::string& what) const {
    const Json& host = json.at("host");
    return std::ranges::any_of(
        host, [&](const Json& fact) { return fact.at("what") == what && fact.at("there"); });
  }
};

Visit Examine(const Words& starter, const Words& options, const ProcessOptions& process = {}) {
  const Words doctor = {BuildPath("bin/namegate"), "doctor", "--json"};
  const Outcome outcome = Run(Joined(Joined(starter, doctor), options), process);
  INFO(outcome.out << outcome.err);
  Json json = Json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
  REQUIRE(json.is_object());
  return {outcome.status, std::move(json), outcome.err};
}

void CheckHealthy(const Visit& visit) {
  INFO(visit.json.dump(2));
  CHECK(visit.status == 0);
  CHECK(visit.json.at("exit_status") == 0);
  CHECK(visit.WithState("open", "enclave").empty());
  CHECK(visit.WithState("unrecorded", "enclave").empty());
  CHECK(visit.WithState("cooperative-only", "enclave").empty());
  // The ones that every host can show.
  for (const char* name :
       {"connect", "metadata", "loopback", "sendto", "dns-udp", "dns-tcp", "static", "scrubbed",
        "inherited", "abstract", "agent", "state", "uncovered"}) {
    CHECK(visit.State(name, "enclave") == "covered");
  }
}

void SkipWithoutUserNamespaces() {
  if (Run({"unshare", "--user", "true"}).status == 0) return;
  Skip("user namespaces cannot be made here");
}

TEST_CASE("Doctor finds all covered in the enclave, and what the preload gate does not hold") {
  SkipWithoutUserNamespaces();
  const Visit visit = Examine({}, {});
  CheckHealthy(visit);
  if (!visit.json.at("gates").at("preload").at("usable")) return;  // port 53
  CHECK(visit.State("connect", "preload") == "covered");
  CHECK(visit.State("static", "preload") == "cooperative-only");
  CHECK(visit.WithState("open", "preload").empty());
  CHECK(visit.WithState("unrecorded", "preload").empty());
}

TEST_CASE("An ordinary user's doctor finds all covered too, and names what root's host lacks him") {
  SkipWithoutUserNamespaces();
  NeedRoot("become another user");
  NeedPrograms({"setpriv"});
  const Visit visit = Examine(kAsNobody, {});
  CheckHealthy(visit);
  CHECK(visit.State("packet", "enclave") == "not-possible");  // without a gate neither
  if (visit.Has("port 53 for this user")) return;
  CHECK_FALSE(visit.json.at("gates").at("preload").at("usable").get<bool>());
  CHECK_THAT(visit.json.at("gates").at("preload").at("trouble").get<std::string>(), Contains("53"));
}

TEST_CASE("Doctor tries the gate that is named alone, and leaves nothing behind") {
  SkipWithoutUserNamespaces();
  const TempDir directory;
  const Visit visit = Examine({}, {"--gate", "enclave"}, {{{"TMPDIR", directory.path()}}, ""});
  CheckHealthy(visit);
  CHECK_FALSE(visit.json.at("gates").contains("preload"));
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("A doctor that is killed leaves nothing behind either") {
  SkipWithoutUserNamespaces();
  const TempDir directory;
  const auto is_empty = [&] { return std::filesystem::is_empty(directory.path()); };
  {
    const Process doctor({BuildPath("bin/namegate"), "doctor"},
                         {{{"TMPDIR", directory.path()}}, ""});
    CHECK(WaitFor([&] { return !is_empty(); }));
  }  // by SIGKILL
  CHECK(WaitFor(is_empty));
}

TEST_CASE("A hole in the enclave is found, named, and the exit status") {
  SkipWithoutUserNamespaces();
  const std::string hole = BuildPath("lib/libsandboxee_unclosed.so");
  REQUIRE(access(hole.c_str(), R_OK) == 0);
  const Visit visit = Examine({"env", "LD_PRELOAD=" + hole}, {"--gate", "enclave"});
  INFO(visit.json.dump(2));
  CHECK(visit.status == 1);
  CHECK(visit.WithState("open", "enclave") == Words{"inherited"});
}

TEST_CASE("Where user namespaces are forbidden doctor exits with 2 and the remedy") {
  SkipWithoutUserNamespaces();
  const Visit visit = Examine({"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                               "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"", "sh"},
                              {"--gate", "enclave"});
  INFO(visit.json.dump(2));
  CHECK(visit.status == 2);
  CHECK_FALSE(visit.Has("user namespaces"));
  CHECK_FALSE(visit.json.at("gates").at("enclave").at("usable").get<bool>());
  CHECK_THAT(visit.json.at("gates").at("enclave").at("trouble").get<std::string>(),
             Contains("user.max_user_namespaces"));
  CHECK(visit.WithState("covered", "enclave").empty());
}

TEST_CASE("For people doctor prints the host, the matrix and a verdict") {
  SkipWithoutUserNamespaces();
  const Outcome outcome = Run({BuildPath("bin/namegate"), "doctor", "--gate", "enclave"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.out, Contains("THIS HOST") && Contains("A WAY ROUND"));
  CHECK_THAT(outcome.out, Contains("covered (ECONNREFUSED)"));
  CHECK_THAT(outcome.out, Contains("Everything promised that can be shown here is covered."));
}

TEST_CASE("Doctor refuses a gate that does not exist, and a plan that is none") {
  const std::string namegate = BuildPath("bin/namegate");
  const Outcome outcome = Run({namegate, "doctor", "--gate", "moat"});
  CHECK(outcome.status == 2);
  CHECK_THAT(outcome.err, Contains("enclave or preload"));
  for (const char* plan : {"{", "[]", "{\"tries\": 1}", "{\"tries\": [1]}"}) {
    CHECK(Run({namegate, "doctor", "--probes", plan}).status == 2);
  }
}

}  // namespace
}  // namespace namegate::testing
