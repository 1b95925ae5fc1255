#include "gate/doctor/probe_runner.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "common/gate_protocol.h"
#include "gate/command/output.h"
#include "gate/doctor/canary.h"
#include "gate/doctor/probe.h"
#include "gate/doctor/user_namespace.h"

namespace namegate::doctor {
namespace {

using Json = nlohmann::json;

// A call that hangs has not got through.
constexpr unsigned kPatienceS = 5;

template <typename T>
T Member(const Json& object, const char* name, T otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->template get<T>() : otherwise;
  } else {
    return found->is_number_integer() ? found->template get<T>() : otherwise;
  }
}

void Say(const std::string& name, const std::string& what) {
  const std::string line = name + " " + what + "\n";
  [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line.data(), line.size());
}

[[noreturn]] void Try(const Json& plan, const Json& entry) {
  const auto name = Member<std::string>(entry, "name", "");
  const auto found =
      std::ranges::find_if(Probes(), [&](const Probe& probe) { return probe.name == name; });
  if (found == Probes().end()) _exit(1);
  Target target;
  target.address = AddressOf(*found);
  target.port = static_cast<uint16_t>(Member(entry, "port", 0));
  target.socket = SocketOf(*found, Member<std::string>(plan, "directory", ""));
  target.inherited = Member(plan, "inherited", -1);
  target.kept = Member(plan, "kept", -1);
  target.outside = Member(plan, "outside", 0);
  alarm(kPatienceS);
  const std::string said = found->attempt(target);
  Say(Member(entry, "as", name), said);
  _exit(0);
}

std::string NameOfSignal(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "a signal";
}

// Nobody can take /etc/ld.so.preload away from the enclave's mounts, but anybody can put something
// over it in mounts of his own.
void CoverPreloadFile() {
  constexpr char kFile[] = "/etc/ld.so.preload";
  std::ifstream file(kFile);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.find(kInnerLibrary) == std::string::npos) return;
  if (!EnterUserNamespace(CLONE_NEWNS)) return;
  // If it fails, the gate inside has the first word, and the wall behind it the last.
  [[maybe_unused]] const int covered = mount("/dev/null", kFile, nullptr, MS_BIND, nullptr);
}

// Starts this program anew without what was loaded into it; returns if it cannot.
void Strip(Json plan) {
  plan.erase("strip");
  unsetenv("LD_PRELOAD");
  CoverPreloadFile();
  execl("/proc/self/exe", "namegate", "doctor", "--probes", plan.dump().c_str(), nullptr);
}

}  // namespace

int RunProbes(const std::string& plan_text) {
  const Json plan = Json::parse(plan_text, nullptr, /*allow_exceptions=*/false);
  const auto tries = plan.is_object() ? plan.find("tries") : plan.end();
  if (tries == plan.end() || !tries->is_array()) return command::kUsage;
  if (plan.contains("strip")) Strip(plan);
  std::map<pid_t, std::string> trying;
  for (const Json& entry : *tries) {
    if (!entry.is_object()) return command::kUsage;
    const pid_t child = fork();
    if (child == 0) Try(plan, entry);
    if (child > 0) trying[child] = Member<std::string>(entry, "name", "");
  }
  int status = 0;
  for (pid_t ended; (ended = wait(&status)) > 0;) {
    if (WIFSIGNALED(status)) Say(trying[ended], NameOfSignal(WTERMSIG(status)));
  }
  if (Member(plan, "nested", 0) == 0) Say(kFinished, std::to_string(trying.size()));
  return command::kOk;
}

}  // namespace namegate::doctor
