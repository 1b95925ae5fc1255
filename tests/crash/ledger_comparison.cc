#include "tests/crash/ledger_comparison.h"

#include <stdexcept>

namespace namegate::testing {
namespace {

std::string Joined(const std::vector<std::string>& parts) {
  std::string joined;
  for (const std::string& part : parts) joined += "," + part;
  return joined;
}

}  // namespace

std::string Tally::ToText() const {
  return std::to_string(seen) + " received, " + std::to_string(found) + " found, " +
         std::to_string(missing) + " missing, " + std::to_string(twice) + " twice, " +
         std::to_string(wrong) + " different" +
         (first_bad.empty() ? "" : "; the first: " + first_bad);
}

void LedgerComparison::Side::Read(Database& ledger, const std::string& sql) {
  auto select = ledger.Prepare(sql);
  if (!select) throw std::runtime_error(select.error().message);
  select->Bind(1, last_id);
  while (true) {
    const auto row = select->Step();
    if (!row) throw std::runtime_error(row.error().message);
    if (!*row) return;
    last_id = select->integer(0);
    const auto placed = rows.emplace(std::string(select->text(1)), std::string(select->text(2)));
    if (!placed.second) ++tally.twice;
  }
}

void LedgerComparison::Side::Count(const std::string& key, const std::string& value) {
  ++tally.seen;
  const auto found = rows.find(key);
  if (found != rows.end() && found->second == value) {
    ++tally.found;
    return;
  }
  const bool missing = found == rows.end();
  ++(missing ? tally.missing : tally.wrong);
  if (!tally.first_bad.empty()) return;
  tally.first_bad = key + " saw " + value + (missing ? "" : ", recorded is " + found->second);
}

const Tally& LedgerComparison::CompareResponses(Database& ledger,
                                                const std::vector<SeenResponse>& responses) {
  queries_.Read(ledger,
                "SELECT q.id, q.client || ' ' || q.qname || '.', q.rcode ||"
                " coalesce(' (EDE ' || q.ede || ')', '') || coalesce("
                "(SELECT group_concat(',' || a.data, '') FROM answers AS a"
                " WHERE a.answer_id = q.answer_id), '')"
                " FROM queries AS q WHERE q.id > ?1 ORDER BY q.id");
  for (size_t i = queries_.tally.seen; i < responses.size(); ++i) {
    const auto reply = ReadReply(responses[i].message);
    if (!reply) throw std::runtime_error("the daemon sent something else than a DNS message");
    const std::string name = reply->question.substr(0, reply->question.find(" IN"));
    const std::string ede = reply->ede ? " (EDE " + std::to_string(*reply->ede) + ")" : "";
    queries_.Count(responses[i].client + " " + name, reply->rcode + ede + Joined(reply->data()));
  }
  return queries_.tally;
}

const Tally& LedgerComparison::CompareVerdicts(Database& ledger,
                                               const std::vector<SeenVerdict>& verdicts) {
  connections_.Read(ledger,
                    "SELECT id, session || ' ' || address || ':' || port, verdict"
                    " FROM connections WHERE id > ?1 ORDER BY id");
  for (size_t i = connections_.tally.seen; i < verdicts.size(); ++i) {
    const SeenVerdict& verdict = verdicts[i];
    connections_.Count(std::to_string(verdict.session) + " " + verdict.address + ":" +
                           std::to_string(verdict.port),
                       verdict.allowed ? "allow" : "deny");
  }
  return connections_.tally;
}

}  // namespace namegate::testing
