#include "tests/support/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <thread>

#include "common/random.h"

namespace namegate::testing {
namespace {

constexpr int kOpenAttempts = 10;  // listening addresses are drawn, so one may be taken
constexpr std::chrono::seconds kStopLimit{30};
constexpr std::chrono::seconds kStatusLimit{20};

// Reads until the daemon closes its end: after its one line, or because it ended.
std::string ReadAll(int fd) {
  std::string text;
  char buffer[512];
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
    if (text.ends_with('\n')) break;
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string JoinedColumns(const Statement& row) {
  std::string line;
  for (int column = 0; column < row.column_count(); ++column) {
    if (column > 0) line += '|';
    line += row.is_null(column) ? "-" : std::string(row.text(column));
  }
  return line;
}

}  // namespace

std::string RandomLoopback() {
  const uint32_t random = RandomU32();
  const auto address =
      IpAddress::V4(127, static_cast<uint8_t>(1 + random % 250), static_cast<uint8_t>(random >> 8),
                    static_cast<uint8_t>(1 + (random >> 16) % 250));
  return Endpoint{address, static_cast<uint16_t>(20'000 + RandomU32() % 12'000)}.ToText();
}

Daemon::Daemon(DaemonOptions options)
    : options_(std::move(options)),
      paths_(options_.state_dir.empty() ? directory_.File("state") : options_.state_dir) {
  Start();
}

void Daemon::Start() {
  Launch();
  readiness_ = ReadAll(ready_.get());
}

void Daemon::Launch() {
  control_.reset();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  ready_.Reset(ends[0]);
  UniqueFd writer(ends[1]);
  fcntl(writer.get(), F_SETFD, 0);  // the child is to have it
  std::vector<std::string> command = {
      BuildPath("bin/" + options_.program),
      "--state-dir",
      paths_.directory(),
      "--ready-fd",
      std::to_string(writer.get()),
      "--config",
      directory_.Write("namegate.toml", "version = 1\n" + options_.config)};
  for (const Endpoint& upstream : options_.upstreams) {
    command.insert(command.end(), {"--upstream", upstream.ToText()});
  }
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  process_ = std::make_unique<Process>(
      command, ProcessOptions{.environment = options_.environment, .input = ""});
}

ControlClient& Daemon::control() {
  if (!control_) {
    auto client = ControlClient::Connect(paths_.control_socket());
    if (!client) throw std::runtime_error(readiness_ + ": " + client.error().message);
    control_.emplace(std::move(client).value());
  }
  return *control_;
}

TestSession Daemon::OpenSessionBy(nlohmann::json request) {
  const bool choose = !request.contains("listen") && !request.contains("client");
  request["command"] = "session.open";
  for (int attempt = 1;; ++attempt) {
    if (choose) request["listen"] = RandomLoopback();
    const auto response = control().Call(request);
    if (!response && choose && attempt < kOpenAttempts) continue;
    if (!response) throw std::runtime_error("open a session: " + response.error().message);
    const nlohmann::json& session = (*response)["session"];
    return {session["id"].get<int64_t>(),
            Endpoint::FromText(session["nameserver"].get<std::string>()).value(),
            session["gate_socket"].get<std::string>(), session["relay_socket"].get<std::string>()};
  }
}

TestSession Daemon::OpenSession(const std::vector<std::string>& allow) {
  return OpenSessionBy(nlohmann::json{{"allow", allow}});
}

TestSession Daemon::OpenPrivateSession(const std::vector<std::string>& allow) {
  return OpenSessionBy(nlohmann::json{{"allow_private", allow}});
}

void Daemon::CloseSession(const TestSession& session) {
  const auto response = control().Call({{"command", "session.close"}, {"session", session.id}});
  if (!response) throw std::runtime_error("close a session: " + response.error().message);
}

int64_t Daemon::Status(const std::string& name) {
  const auto response = control().Call({{"command", "status"}});
  if (!response) throw std::runtime_error("status: " + response.error().message);
  return (*response)["status"][name].get<int64_t>();
}

bool Daemon::WaitForStatus(const std::string& name, int64_t value) {
  const auto deadline = std::chrono::steady_clock::now() + kStatusLimit;
  while (Status(name) != value) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

Outcome Daemon::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait(kStopLimit);
}

void Daemon::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait(kStopLimit);
}

std::vector<std::string> Daemon::Rows(const std::string& sql) const {
  auto database = Database::Open(paths_.ledger(), Database::Mode::kReadOnly);
  if (!database) throw std::runtime_error(database.error().message);
  auto query = database->Prepare(sql);
  if (!query) throw std::runtime_error(query.error().message);
  std::vector<std::string> rows;
  while (true) {
    const auto more = query->Step();
    if (!more) throw std::runtime_error(more.error().message);
    if (!*more) return rows;
    rows.push_back(JoinedColumns(*query));
  }
}

int64_t Daemon::Number(const std::string& sql) const { return std::stoll(Rows(sql).at(0)); }

}  // namespace namegate::testing
