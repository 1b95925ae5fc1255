#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "tests/support/gate_service.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {

// A socket of the test's own on loopback, with a port that the kernel chose, that counts what came.
class Loopback {
 public:
  enum class Kind { kTcp, kUdp };
  explicit Loopback(Kind kind, const std::string& address = "127.0.0.1");

  uint16_t number() const { return port_; }
  std::string port() const { return std::to_string(port_); }
  // The connections or datagrams that arrived since the last call. On loopback they have arrived
  // when the call that sent them returned.
  int Arrived();
  // Everything that was sent on the connections that arrived, once their far ends have closed.
  std::string ReadAll();

 private:
  Kind kind_;
  uint16_t port_ = 0;  // before fd_, whose making sets it
  UniqueFd fd_;
};

inline constexpr auto kTcp = Loopback::Kind::kTcp;
inline constexpr auto kUdp = Loopback::Kind::kUdp;

// What the gate says of whatever Gated denies.
inline constexpr char kDenial[] = "namegate: denied by the test\n";

// Runs programs behind libnamegate.so and a gate service that allows some ports and denies the rest
// with "denied by the test".
class Gated {
 public:
  explicit Gated(std::vector<uint16_t> allowed = {});
  // With answers of the test's own.
  explicit Gated(GateService::Answer answer);

  GateService& service() { return *service_; }
  const TempDir& dir() const { return dir_; }
  // Of the gate service's socket.
  const std::string& path() const { return service_->path(); }
  // What was asked, as by Describe().
  std::vector<std::string> asked() const;
  // The sandboxee of this name, to its end. Fails the test if it does not run.
  Outcome Run(const std::string& sandboxee, const std::vector<std::string>& arguments = {},
              const std::map<std::string, std::string>& environment = {}) const;
  // Any program.
  Outcome RunProgram(const std::vector<std::string>& command,
                     const std::map<std::string, std::string>& environment = {}) const;
  // The variables that put a program behind this gate.
  std::map<std::string, std::string> Environment() const;

 private:
  TempDir dir_;
  std::unique_ptr<GateService> service_;
};

std::string PreloadLibrary();
std::string Sandboxee(const std::string& name);

// How often `what` stands in `text`.
int Count(const std::string& text, const std::string& what);

}  // namespace namegate::testing
