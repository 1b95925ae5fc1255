#include "gate/doctor/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <string>

#include "common/unique_fd.h"

namespace namegate::doctor {
namespace {

bool Put(const char* file, const std::string& text) {
  const UniqueFd target(open(file, O_WRONLY | O_CLOEXEC));
  return target && write(target.get(), text.data(), text.size()) >= 0;
}

std::string Same(unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; }

}  // namespace

// By itself a process may map its own ids, and only once setgroups is given up
// (user_namespaces(7)).
bool EnterUserNamespace(int further_flags) {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  return unshare(CLONE_NEWUSER | further_flags) == 0 && Put("/proc/self/setgroups", "deny") &&
         Put("/proc/self/gid_map", Same(gid)) && Put("/proc/self/uid_map", Same(uid));
}

}  // namespace namegate::doctor
