#include "gate/command/own_loopback.h"

#include "common/escape.h"
#include "common/ledger_reader.h"
#include "common/rule.h"
#include "common/seal_search.h"

namespace namegate::command {
namespace {

// RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. A rule that covers more is for what else it covers.
bool IsLoopback(const IpPrefix& prefix) {
  if (!prefix.base().is_v4()) return prefix.ToText() == "::1";
  return prefix.base().octets()[0] == 127 && prefix.length() >= 8;
}

// Those that a rule allowed: a program that asks for localhost knows what it gets (RFC 6761 §6.3).
constexpr char kLoopbackAnswers[] = R"(
SELECT DISTINCT q.qname, a.data
FROM queries AS q JOIN answers AS a ON a.answer_id = q.answer_id
WHERE q.id > ?2 AND q.session = ?1 AND q.verdict = 'allow' AND q.reason = 'rule'
  AND (a.type = 'A' AND a.data LIKE '127.%' OR a.type = 'AAAA' AND a.data = '::1')
ORDER BY q.qname, a.data
LIMIT 10)";

// What was asked before the session is not to be read through: the last query that is older.
Result<int64_t> QueriesBefore(Database& ledger, int64_t session) {
  auto seal = SealBeforeSession(ledger, session);
  if (!seal) return seal.error();
  return MarkAt(ledger, "query_id", *seal);
}

}  // namespace

std::vector<std::string> RulesForLoopback(const SessionRules& rules) {
  std::vector<std::string> found;
  for (const auto& texts : {rules.allow, rules.allow_private}) {
    for (const std::string& text : texts) {
      const auto rule = Rule::FromText(text);
      if (!rule) continue;
      const bool loopback = rule->kind == HostKind::kPrefix ? IsLoopback(rule->prefix)
                                                            : rule->name.ToText() == "localhost";
      if (loopback) found.push_back(text);
    }
  }
  return found;
}

Result<std::string> SummariseLoopbackAnswers(const std::string& ledger_path, int64_t session) {
  auto ledger = OpenLedgerToRead(ledger_path);
  if (!ledger) return ledger.error();
  const auto before = QueriesBefore(*ledger, session);
  if (!before) return before.error();
  auto answers = ledger->Prepare(kLoopbackAnswers);
  if (!answers) return answers.error();
  answers->Bind(1, session);
  answers->Bind(2, *before);
  std::string lines;
  for (;;) {
    const auto row = answers->Step();
    if (!row) return row.error();
    if (!*row) break;
    lines += "  " + Printable(answers->text(0)) + ": " + Printable(answers->text(1)) + "\n";
  }
  if (lines.empty()) return lines;
  return "namegate: answered with addresses that in the enclave are the command's own loopback "
         "(--gate preload leaves it the host's):\n" +
         lines;
}

}  // namespace namegate::command
