#include "resolver/program_names.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace namegate::resolver {
namespace {

// The kernel's limit is 15 octets and the line's end (TASK_COMM_LEN); workers of its own have more.
constexpr size_t kMaxLength = 64;

std::string Read(const UniqueFd& comm) {
  std::array<char, kMaxLength> line;
  const ssize_t got = pread(comm.get(), line.data(), line.size(), 0);
  if (got <= 0) return {};
  const std::string_view text(line.data(), static_cast<size_t>(got));
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

std::string ProgramNames::NameOf(pid_t pid) {
  if (pid <= 0) return {};
  if (const auto known = std::ranges::find(known_, pid, &Known::pid); known != known_.end()) {
    std::string name = Read(known->comm);
    if (!name.empty()) return name;
    known_.erase(known);  // it has ended; another may have its id
  }
  Known latest{pid, UniqueFd(open(("/proc/" + std::to_string(pid) + "/comm").c_str(),
                                  O_RDONLY | O_CLOEXEC))};
  if (!latest.comm) return {};
  std::string name = Read(latest.comm);
  known_.push_front(std::move(latest));
  if (known_.size() > kKept) known_.pop_back();
  return name;
}

}  // namespace namegate::resolver
