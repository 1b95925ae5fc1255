#include "gate/enclave/child_job.h"

#include <sys/wait.h>
#include <unistd.h>

#include "common/system_error.h"

namespace namegate::enclave {
namespace {

constexpr char kDone[] = "done";

}  // namespace

Result<ChildJob> StartInChild(const std::function<Result<void>(const Channel& parent)>& job) {
  auto pair = Channel::MakePair();
  if (!pair) return pair.error();
  const pid_t child = fork();
  if (child < 0) return SystemError("start a process");
  if (child == 0) {
    pair->first.Close();
    const auto done = job(pair->second);
    _exit(done || pair->second.Send(done.error().message) ? 0 : 1);
  }
  pair->second.Close();
  return ChildJob{child, std::move(pair->first)};
}

Result<void> DoInChild(const std::function<Result<void>()>& job) {
  const auto child = StartInChild([&](const Channel& parent) {
    const auto done = job();
    return done ? parent.Send(kDone) : done;
  });
  if (!child) return child.error();
  auto done = child->channel.Expect(kDone);
  waitpid(child->pid, nullptr, 0);
  return done ? Result<void>() : done.error();
}

}  // namespace namegate::enclave
