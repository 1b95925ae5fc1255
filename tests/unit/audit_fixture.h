#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {

using nlohmann::json;

// A ledger with two sessions, one of each kind of row in the first, and the real command on it.
class AuditTest {
 public:
  AuditTest() {
    ledger.Add(OpenedRow(ledger, "build"));
    ledger.Add(OpenedRow(ledger, "other"));
    auto query = AllowedRow(ledger, "pypi.org");
    query.answer = Answer({ARecord("pypi.org", "192.0.2.7", 300)});
    query.answer_age_s = 10;
    ledger.Add(query);
    ledger.Add(DeniedRow(ledger, "evil.example"));
    ledger.Add(DeniedRow(ledger, "evil.example"));
    auto connection = ConnectedRow(ledger, "192.0.2.7:443");
    connection.name = Name("pypi.org");
    connection.query_id = query.id;
    ledger.Add(connection);
    ledger.Add(RefusedRow(ledger, "192.0.2.9:22"));
    auto elsewhere = DeniedRow(ledger, "elsewhere.example");
    elsewhere.session = 2;
    elsewhere.time_us = kNoonUs + 3'600'000'000;
    ledger.Add(elsewhere);
    ledger.Add(resolver::SessionClosedRow{2, elsewhere.time_us + 9, "closed"});
  }

  Outcome Audit(std::vector<std::string> words, const std::string& input = "") const {
    std::vector<std::string> command = {BuildPath("bin/namegate"), "audit"};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--state-dir", ledger.directory()});
    return Run(command, {.environment = {}, .input = input});
  }

  json Json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const Outcome outcome = Audit(words);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return json::parse(outcome.out);
  }

  // What is said on standard error, which must be one line; the status must be `status`.
  std::string Mistake(const std::vector<std::string>& words, int status = 1) const {
    const Outcome outcome = Audit(words);
    INFO(outcome.out << outcome.err);
    CHECK(outcome.status == status);
    CHECK(outcome.out.empty());
    if (status == 1) CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    return outcome.err;
  }

  TestLedger ledger;
};

}  // namespace namegate::testing
