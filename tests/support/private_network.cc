#include "tests/support/private_network.h"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

constexpr std::chrono::seconds kAddressLimit{20};

}  // namespace

void EnterPrivateNetwork() {
  static bool entered = false;
  if (std::exchange(entered, true)) return;
  // Another thread would stay behind in the network that is left, with the sockets that it serves.
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  if (std::distance(begin(tasks), end(tasks)) != 1) {
    throw std::logic_error("a private network is entered before any thread is started");
  }
  const uid_t user = geteuid();
  if (unshare(user == 0 ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER) != 0) {
    Skip(std::string("a network of the test's own is needed: ") + std::strerror(errno));
  }
  if (user != 0) std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  NeedPrograms({"ip"});
  Ip("link set lo up");
}

void Ip(const std::string& words) {
  std::vector<std::string> command = {"ip"};
  std::istringstream stream(words);
  for (std::string word; stream >> word;) command.push_back(word);
  const Outcome outcome = Run(command);
  if (outcome.status != 0) throw std::runtime_error("ip " + words + ": " + outcome.err);
}

void AwaitAddress(const std::string& address) {
  const auto begun = std::chrono::steady_clock::now();
  while (!Run({"ip", "route", "get", address}).out.starts_with("local ")) {
    if (std::chrono::steady_clock::now() - begun > kAddressLimit) {
      throw std::runtime_error(address + " was never taken up");
    }
  }
}

}  // namespace namegate::testing
