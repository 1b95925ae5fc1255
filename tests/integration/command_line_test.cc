// What namegate says and how it exits where no daemon is needed.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/integration/command_harness.h"
#include "tests/support/skip.h"

namespace namegate {
namespace {

using Catch::Contains;
using testing::BuildPath;
using testing::CommandHarness;
using testing::Joined;
using testing::Outcome;
using testing::Words;

Outcome Namegate(const Words& words) {
  const CommandHarness harness;
  return testing::Run(harness.Namegate(words));
}

// A copy of `program` with these bits, owned by somebody who is not us.
std::string SetuidCopy(const testing::TempDir& directory, const std::string& program, mode_t mode) {
  const std::string path = directory.Write("copy", testing::ReadFile(program));
  REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
  REQUIRE(chmod(path.c_str(), mode) == 0);
  return path;
}

std::string Executable(const testing::TempDir& directory, const std::string& name,
                       const std::string& text) {
  const std::string path = directory.Write(name, text);
  REQUIRE(chmod(path.c_str(), 0755) == 0);
  return path;
}

TEST_CASE("Help is on standard output with exit status 0 and teaches by example") {
  const Outcome help = Namegate({"--help"});
  CHECK(help.status == 0);
  CHECK_THAT(help.out, Contains("namegate run --allow pypi.org:443"));
  CHECK(help.err.empty());
  CHECK_THAT(Namegate({"run", "--help"}).out, Contains("128+N"));
  CHECK_THAT(Namegate({"session", "open", "--help"}).out, Contains("--client PREFIX"));
  CHECK_THAT(Namegate({"session", "attach", "--help"}).out,
             Contains("docker run -d --network none"));
  CHECK_THAT(Namegate({"policy", "check", "--help"}).out, Contains("expires = 2027-01-01"));
}

TEST_CASE("The version is one line") {
  const Outcome version = testing::Run({BuildPath("bin/namegate"), "--version"});
  CHECK(version.status == 0);
  CHECK_THAT(version.out, Catch::Matches("namegate [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_CASE("Output that could not be written is trouble") {
  const Outcome outcome = testing::Run(
      {"sh", "-c", "exec \"$0\" completion bash > /dev/full", BuildPath("bin/namegate")});
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("standard output"));
}

TEST_CASE("Wrong usage exits with 2 and says which help to read") {
  CHECK(Namegate({}).status == 2);
  const Outcome unknown = Namegate({"session", "opne"});
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.err, Contains("'opne' is not known to namegate session"));
  CHECK_THAT(unknown.err, Contains("see namegate session --help"));
  CHECK(Namegate({"session", "show"}).status == 2);
  CHECK(Namegate({"status", "--frobnicate"}).status == 2);
  CHECK(Namegate({"session", "open", "--listen", "127.64.0.9", "--client", "192.0.2.1"}).status ==
        2);
  CHECK(Namegate({"completion", "fish"}).status == 2);
}

TEST_CASE("A command line other than run's takes no command behind --") {
  const Outcome outcome = testing::Run({BuildPath("bin/namegate"), "status", "--", "true"});
  CHECK(outcome.status == 2);
  CHECK_THAT(outcome.err, Contains("only run takes a command"));
}

TEST_CASE("Without a daemon, commands that need one exit with 1 and say how to start it") {
  for (const Words& words : {Words{"status"}, Words{"session", "list"}, Words{"session", "open"},
                             Words{"session", "show", "1"}, Words{"session", "close", "x"}}) {
    const Outcome outcome = Namegate(words);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.err, Contains("namegated --state-dir"));
  }
  const Outcome json = Namegate({"status", "--json"});
  CHECK(json.status == 1);
  CHECK_THAT(json.out, Contains("\"running\": false"));
}

TEST_CASE("A rule, file, label or address that is wrong is refused before a daemon is asked") {
  CHECK_THAT(Namegate({"session", "open", "--allow", "pypi.org"}).err,
             Contains("--allow: rule 'pypi.org': the port is missing"));
  CHECK_THAT(Namegate({"session", "open", "--allow-private", "x:99999"}).err,
             Contains("--allow-private: rule 'x:99999'"));
  CHECK_THAT(Namegate({"session", "open", "--label", "12"}).err, Contains("taken for a session"));
  CHECK_THAT(Namegate({"session", "open", "--label", "a\nb"}).err, Contains("printable"));
  CHECK_THAT(Namegate({"session", "open", "--label", std::string(101, 'a')}).err,
             Contains("1 to 100"));
  CHECK_THAT(Namegate({"session", "open", "--listen", "here"}).err, Contains("--listen"));
  CHECK_THAT(Namegate({"session", "open", "--client", "192.0.2.1/24"}).err,
             Contains("without host bits"));
  const testing::TempDir directory;
  const auto file = directory.Write("p.toml", "version = 1\nalow = []\n");
  CHECK_THAT(Namegate({"session", "open", "--policy", file}).err, Contains("p.toml:2:1"));
  CHECK_THAT(Namegate({"session", "open", "--config", file}).err, Contains("p.toml:2:1"));
}

TEST_CASE("policy check shows the rules of a good file, and those that have expired") {
  const testing::TempDir directory;
  const auto file = directory.Write("p.toml", R"(version = 1
allow = [ "PyPI.org:443",
  { to = "db.corp.example:5432", private = true, reason = "tests" },
  { to = "old.example:1", expires = 2001-01-01 } ])");
  const Outcome text = Namegate({"policy", "check", file});
  CHECK(text.status == 0);
  CHECK_THAT(text.out, Contains("pypi.org:443"));
  CHECK_THAT(text.out, Contains("db.corp.example:5432  yes"));
  CHECK_THAT(text.out, Contains("expired, left out"));
  const Outcome json = Namegate({"policy", "check", file, "--json"});
  CHECK(json.status == 0);
  const auto parsed = nlohmann::json::parse(json.out);
  CHECK(parsed["rules"].size() == 2);
  CHECK(parsed["rules"][1]["private"] == true);
  CHECK(parsed["rules"][1]["reason"] == "tests");
  CHECK(parsed["expired"][0] == "old.example:1");
}

TEST_CASE("policy check refuses a bad file with line and column and exit status 1") {
  const testing::TempDir directory;
  const auto file = directory.Write("p.toml", "version = 1\nalow = []\n");
  const Outcome text = Namegate({"policy", "check", file});
  CHECK(text.status == 1);
  CHECK_THAT(text.err, Contains("p.toml:2:1: unknown key 'alow'; did you mean 'allow'?"));
  const Outcome json = Namegate({"policy", "check", file, "--json"});
  CHECK(json.status == 1);
  CHECK(nlohmann::json::parse(json.out)["ok"] == false);
  CHECK(Namegate({"policy", "check", directory.File("missing.toml")}).status == 1);
}

TEST_CASE("What a policy file contains cannot drive the terminal") {
  const testing::TempDir directory;
  const auto key = directory.Write("p.toml", "version = 1\n\"\\u001b[2J\\u009b\" = 1\n");
  const Outcome refused = Namegate({"policy", "check", key});
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, !Contains("\x1b") && !Contains("\xc2\x9b"));
  const auto reason = directory.Write(
      "q.toml", "version = 1\nallow = [ { to = \"a.example:1\", reason = \"\\u001b[2J\" } ]\n");
  const Outcome shown = Namegate({"policy", "check", reason});
  CHECK_THAT(shown.out, Contains("\\x1b[2J") && !Contains("\x1b"));
}

TEST_CASE("The completion scripts are accepted by their shells and know every subcommand") {
  const Outcome bash = Namegate({"completion", "bash"});
  CHECK(bash.status == 0);
  CHECK(testing::Run({"bash", "-n", "/dev/stdin"}, {{}, bash.out}).status == 0);
  const Outcome words = testing::Run({"bash", "-c",
                                      "source /dev/stdin; COMP_WORDS=(namegate ''); COMP_CWORD=1; "
                                      "_namegate; echo ${COMPREPLY[@]}"},
                                     {{}, bash.out});
  for (const char* command :
       {"run", "session", "policy", "audit", "status", "doctor", "completion"}) {
    CHECK_THAT(words.out, Contains(command));
  }
  CHECK_THAT(Namegate({"completion", "zsh"}).out, Contains("bashcompinit"));
}

TEST_CASE("The completion offers every option that the help of a command shows") {
  const std::string script = Namegate({"completion", "bash"}).out;
  for (const auto& [command, end] : {std::pair{Words{"run"}, "Rules:"},
                                     std::pair{Words{"session", "attach"}, "Puts the gateway"},
                                     std::pair{Words{"doctor"}, "Runs small programs"}}) {
    const std::string help = Namegate(Joined(command, {"--help"})).out;
    const std::string options = help.substr(0, help.find(end));
    for (size_t at = options.find("  --"); at != std::string::npos;
         at = options.find("  --", at + 1)) {
      const std::string option = options.substr(at + 2, options.find(' ', at + 2) - at - 2);
      CHECK_THAT(script, Contains(option));
    }
  }
}

TEST_CASE("A gate that does not exist is refused with the names of those that do") {
  const CommandHarness harness;
  const Outcome outcome = testing::Run(Joined(harness.Namegate({"run", "--gate", "moat"}),
                                              {"--", "touch", harness.directory().File("x")}));
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("moat") && Contains("enclave or preload"));
  CHECK(access(harness.directory().File("x").c_str(), F_OK) != 0);
}

TEST_CASE("Wrong usage of run exits with 125, which no usual command does") {
  const CommandHarness harness;
  CHECK(testing::Run(harness.Namegate({"run", "--gate", "preload"})).status == 125);
  const Outcome misspelt = harness.Run({"--alow", "x:1"}, {"true"});
  CHECK(misspelt.status == 125);
  CHECK_THAT(misspelt.err, Contains("--alow"));
  CHECK(harness.Run({"--allow", "nonsense"}, {"true"}).status == 125);
  CHECK(harness.Run({"--upstream", "nonsense"}, {"true"}).status == 125);
  CHECK(harness.Run({"--label", "7"}, {"true"}).status == 125);
}

TEST_CASE("A command that is not found is 127, one that cannot be executed 126") {
  const CommandHarness harness;
  const Outcome missing = harness.Run({}, {"no-such-command-anywhere"});
  CHECK(missing.status == 127);
  CHECK_THAT(missing.err, Contains("command not found: 'no-such-command-anywhere'"));
  CHECK(harness.Run({}, {"/nonexistent/x"}).status == 127);
  CHECK(harness.Run({}, {""}).status == 127);
  CHECK(harness.Run({}, {"/usr"}).status == 126);
  CHECK(harness.Run({}, {harness.directory().Write("plain", "text")}).status == 126);
}

TEST_CASE("A statically linked command is refused, directly and as an interpreter") {
  const CommandHarness harness;
  const Outcome program = harness.Run({}, {"/sbin/ldconfig", "--version"});
  CHECK(program.status == 125);
  CHECK_THAT(program.err, Contains("'/sbin/ldconfig'") && Contains("statically linked"));
  CHECK(program.out.empty());
  const auto inner = Executable(harness.directory(), "inner", "#! /sbin/ldconfig -x\n");
  const auto outer = Executable(harness.directory(), "outer", "#!" + inner + "\n");
  CHECK_THAT(harness.Run({}, {outer}).err, Contains("statically linked"));
}

TEST_CASE("A script that is its own interpreter is refused rather than followed for ever") {
  const CommandHarness harness;
  const std::string path = harness.directory().File("loop");
  const Outcome outcome = harness.Run({}, {Executable(harness.directory(), "loop", "#!" + path)});
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("too many deep"));
}

TEST_CASE("A program for another architecture, or half a one, is refused") {
  const CommandHarness harness;
  std::string elf = testing::ReadFile("/bin/true").substr(0, 4096);
  elf[4] = 1;  // 32 bits
  const Outcome foreign = harness.Run({}, {Executable(harness.directory(), "foreign", elf)});
  CHECK(foreign.status == 125);
  CHECK_THAT(foreign.err, Contains("another architecture"));
  const auto half = Executable(harness.directory(), "half",
                               "\x7f"
                               "ELF");
  CHECK(harness.Run({}, {half}).status == 125);
  elf[4] = 2;
  const auto torn = Executable(harness.directory(), "torn", elf.substr(0, 64));
  CHECK(harness.Run({}, {torn}).status == 125);
}

TEST_CASE("A program that takes on another user's or group's id is refused") {
  testing::NeedRoot("make such a program");
  const CommandHarness harness;
  const auto setuid = SetuidCopy(harness.directory(), "/bin/true", 04755);
  const Outcome outcome = harness.Run({}, {setuid});
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("setuid or setgid"));
  CHECK(harness.Run({}, {SetuidCopy(harness.directory(), "/bin/true", 02755)}).status == 125);
}

}  // namespace
}  // namespace namegate
