#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "common/gate_protocol.h"
#include "tests/crash/observations.h"
#include "tests/support/daemon.h"

namespace namegate::testing {

// The rule that a session under load is opened with, and the names that it allows.
inline constexpr char kLoadRule[] = "**.load.example:1-65535";

// The address that the load expects `name` to have: each name of its own, of 198.18.0.0/15, where
// nothing ever is (RFC 2544). As a record in zone file format.
std::string AddressRecord(const std::string& name);

// What the loads of several sessions share.
class LoadControl {
 public:
  // A number that no query and no connection has had before.
  uint32_t NextNumber() { return ++numbers_; }
  // While they pause nothing new is asked; what is on its way still arrives.
  void Pause() { paused_ = true; }
  void Resume() {
    paused_ = false;
    paused_.notify_all();
  }
  void WaitWhilePaused() const { paused_.wait(true); }

  // Whether there is a daemon that should answer.
  void SetDaemonReady(bool ready) { daemon_ready_ = ready; }
  bool daemon_ready() const { return daemon_ready_; }

 private:
  std::atomic<uint32_t> numbers_{0};
  std::atomic<bool> paused_{false};
  std::atomic<bool> daemon_ready_{true};
};

// Programs of one session that never tire: they ask over UDP and TCP and connect to what they were
// answered, whether the daemon is there or not, until the object goes. Before an enclave's stands a
// relay; the others ask the gate. No two questions of one client have the same name, and no two
// connections the same destination. The control must not be paused when the object goes.
class SessionLoad {
 public:
  // DNS goes to `nameserver`, which stands before the session's own; gates ask the session itself.
  SessionLoad(const TestSession& session, const Endpoint& nameserver, LoadControl& control,
              Observations& observations);
  SessionLoad(const SessionLoad&) = delete;
  SessionLoad& operator=(const SessionLoad&) = delete;
  ~SessionLoad();

 private:
  void AskOverUdp();
  void AskOverTcp();
  void Connect();
  void Carry();
  std::string NextName();
  // Remembers the address of an answered name as one that may be connected to.
  void NoteAnswer(const Reply& reply);
  std::optional<std::string> AnsweredAddress();
  // An answered address now and then, else one that never was, and a port.
  SeenVerdict NextDestination(uint32_t attempt);

  const TestSession session_;
  const Endpoint nameserver_;
  LoadControl& control_;
  Observations& observations_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::deque<std::string> answered_;  // guarded by mutex_, as the next
  std::minstd_rand random_{1};
  std::vector<std::thread> threads_;
};

// What a gate is told about a TCP connection; nothing if nobody answers.
std::optional<GateReply> AskGateSocket(const std::string& path, const std::string& address,
                                       uint16_t port);

}  // namespace namegate::testing
