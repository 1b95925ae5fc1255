#include "gate/enclave/seccomp.h"

#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace namegate::enclave {
namespace {

// Packet sockets see no more than the sandbox's own device, and an enclave inside this one needs
// them.
constexpr std::array kFamilies = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};
constexpr int kLargestFamily = std::ranges::max(kFamilies);

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

// The first trouble of many calls that give 0 or a negative errno.
class Outcome {
 public:
  Outcome& operator<<(int result) {
    if (trouble_ == 0) trouble_ = -result;
    return *this;
  }
  int trouble() const { return trouble_; }

 private:
  int trouble_ = 0;
};

// Refuses `call` with `error` where its argument compares so. Comparisons are on 64 bits while the
// kernel takes an int: what has higher bits set counts as larger.
int Refuse(scmp_filter_ctx filter, int error, int call, const scmp_arg_cmp& argument) {
  return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(static_cast<uint32_t>(error)), call, 1,
                                &argument);
}

void RestrictFamilies(scmp_filter_ctx filter, Outcome& outcome) {
  for (const int call : {SCMP_SYS(socket), SCMP_SYS(socketpair)}) {
    for (int family = 0; family < kLargestFamily; ++family) {
      if (std::ranges::count(kFamilies, family) > 0) continue;
      outcome << Refuse(filter, EAFNOSUPPORT, call,
                        {0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0});
    }
    outcome << Refuse(filter, EAFNOSUPPORT, call,
                      {0, SCMP_CMP_GT, static_cast<scmp_datum_t>(kLargestFamily), 0});
  }
}

void RestrictRest(scmp_filter_ctx filter, Outcome& outcome) {
  // Programs take ENOSYS for an old kernel and go on without.
  for (const int call :
       {SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)}) {
    outcome << seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0, nullptr);
  }
  // The kernel has a program outside look the key up.
  outcome << seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(request_key), 0,
                                    nullptr);
  // These type into the terminal, which someone outside reads when the command has ended.
  for (const scmp_datum_t request : {scmp_datum_t{TIOCSTI}, scmp_datum_t{TIOCLINUX}}) {
    outcome << Refuse(filter, EPERM, SCMP_SYS(ioctl), {1, SCMP_CMP_MASKED_EQ, 0xffffffff, request});
  }
}

}  // namespace

Result<void> RestrictSystemCalls() {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) return Error{"make a seccomp filter: out of memory"};
  Outcome outcome;
  outcome << seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)
          // We have the capability that makes this needless, and su(1) inside needs it needless.
          << seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0);
  RestrictFamilies(filter.get(), outcome);
  RestrictRest(filter.get(), outcome);
  if (outcome.trouble() == 0) outcome << seccomp_load(filter.get());
  if (outcome.trouble() == 0) return {};
  return Error{std::string("restrict the command's system calls: ") +
               std::strerror(outcome.trouble()) +
               "; the kernel needs CONFIG_SECCOMP_FILTER, or use the cooperative gate: "
               "--gate preload"};
}

}  // namespace namegate::enclave
