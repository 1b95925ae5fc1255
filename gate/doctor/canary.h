#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/unique_fd.h"
#include "gate/doctor/probe.h"

namespace namegate::doctor {

// A server for one probe alone, in the place that the probe wants to reach.
class Canary {
 public:
  // Nothing if there can be none here, such as on a host without IPv6. `directory`: where the paths
  // of Unix sockets begin.
  static std::optional<Canary> Open(const Probe& probe, const std::string& directory);

  uint16_t port() const { return port_; }
  // A socket of ours that is connected to it, for a datagram canary.
  UniqueFd ConnectedSocket(const Probe& probe) const;
  // What has come since the last call. Here everything that was sent has arrived when the call that
  // sent it returned.
  int Arrived();

 private:
  Canary(CanaryKind kind, UniqueFd socket, uint16_t port)
      : kind_(kind), socket_(std::move(socket)), port_(port) {}
  bool TakeOne();

  CanaryKind kind_;
  UniqueFd socket_;
  uint16_t port_;
};

// The Unix socket of a probe that has one.
std::string SocketOf(const Probe& probe, const std::string& directory);
// The address of a probe that has one.
IpAddress AddressOf(const Probe& probe);

}  // namespace namegate::doctor
