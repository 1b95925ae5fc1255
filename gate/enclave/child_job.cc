#include "gate/enclave/child_job.h"

#include <sys/wait.h>
#include <unistd.h>

#include "common/system_error.h"
#include "gate/enclave/channel.h"

namespace namegate::enclave {
namespace {

constexpr char kDone[] = "done";

}  // namespace

Result<void> DoInChild(const std::function<Result<void>()>& job) {
  auto report = Channel::MakePair();
  if (!report) return report.error();
  const pid_t child = fork();
  if (child < 0) return SystemError("start a process");
  if (child == 0) {
    report->first.Close();
    const auto done = job();
    _exit(report->second.Send(done ? kDone : done.error().message) ? 0 : 1);
  }
  report->second.Close();
  auto done = report->first.Expect(kDone);
  waitpid(child, nullptr, 0);
  return done ? Result<void>() : done.error();
}

}  // namespace namegate::enclave
