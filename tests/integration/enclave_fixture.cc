#include "tests/integration/enclave_fixture.h"

#include <chrono>
#include <fstream>
#include <thread>

#include "common/control_protocol.h"
#include "common/sqlite.h"
#include "common/state_paths.h"
#include "tests/integration/enclave_internet.h"

namespace namegate::testing {

std::string Sandboxee(const std::string& name) { return BuildPath("bin/sandboxee_" + name); }

Words ConnectedPython(const std::string& script, const std::string& port) {
  return {"python3", "-c",
          "import select, signal, socket, struct, sys\n"
          "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n" +
              script,
          kHost, port};
}

EnclaveFixture::EnclaveFixture() {
  EnterInternet();
  authority_ = std::make_unique<Authority>(
      "a.example. 60 IN A 203.0.113.1\n"
      "a.example. 60 IN AAAA 2001:db8:1::1\n"
      "two.example. 60 IN A 203.0.113.3\n"
      "two.example. 60 IN A 203.0.113.1\n"
      "local.example. 60 IN A 127.0.0.5\n");
}

Words EnclaveFixture::Namegate(const Words& words) const {
  return Words{BuildPath("bin/namegate")} + words + Words{"--state-dir", state_dir()};
}

Words EnclaveFixture::RunWords(const Words& allow, const Words& command) const {
  Words words = Namegate({"run", "--quiet", "--upstream", upstream()});
  for (const std::string& rule : allow) words = words + Words{"--allow-private", rule};
  return words + Words{"--"} + command;
}

Outcome EnclaveFixture::Run(const Words& allow, const Words& command) const {
  return testing::Run(RunWords(allow, command));
}

pid_t EnclaveFixture::RelayOf(const Process& run) {
  const std::string pid = std::to_string(run.pid());
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  pid_t first = -1;
  children >> first;  // it is started before the command
  return first;
}

bool EnclaveFixture::ComesToRest(pid_t process) {
  // What makes the relay spin may pass by itself: its longest wait of that kind is 10 s.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string line;
    std::getline(file, line);
    const size_t name_end = line.rfind(')');
    if (name_end != std::string::npos && line[name_end + 2] == 'S') return true;
    std::this_thread::yield();
  }
  return false;
}

pid_t EnclaveFixture::DaemonOf() const {
  auto control = ControlClient::Connect(StatePaths(state_dir()).control_socket());
  if (!control) return -1;
  const auto response = control->Call({{"command", "status"}});
  return response ? (*response)["status"]["pid"].get<pid_t>() : -1;
}

std::string EnclaveFixture::Rows(const std::string& columns) const {
  return Ask("SELECT " + columns + " FROM connections ORDER BY id");
}

std::string EnclaveFixture::Ask(const std::string& sql) const {
  // A daemon that is leaving holds the ledger to itself for a moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    auto rows = TryToAsk(sql);
    if (rows) return std::move(rows).value();
    if (std::chrono::steady_clock::now() > deadline) return rows.error().message;
    std::this_thread::yield();
  }
}

Result<std::string> EnclaveFixture::TryToAsk(const std::string& sql) const {
  auto ledger = Database::Open(StatePaths(state_dir()).ledger(), Database::Mode::kReadOnly);
  if (!ledger) return ledger.error();
  auto statement = ledger->Prepare(sql);
  if (!statement) return statement.error();
  std::string rows;
  for (;;) {
    const auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) return rows;
    for (int column = 0; column < statement->column_count(); ++column) {
      if (column > 0) rows += '|';
      rows += statement->is_null(column) ? "-" : std::string(statement->text(column));
    }
    rows += '\n';
  }
}

}  // namespace namegate::testing
