#include <catch2/catch.hpp>
#include <future>

#include "common/rule.h"
#include "resolver/ledger_sessions.h"
#include "schema/schema.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

using resolver::Record;
using resolver::SessionClosedRow;

TEST_CASE("The table of reasons agrees with the program's, and each is explained by a sentence") {
  TestLedger ledger;
  CHECK(ledger.Value("SELECT count(*) FROM reason") == std::to_string(AllReasons().size()));
  for (const Reason reason : AllReasons()) {
    const std::string where =
        " FROM reason WHERE reason_id = " + std::to_string(static_cast<int>(reason));
    CHECK(ledger.Value("SELECT code" + where) == ReasonCode(reason));
    const std::string meaning = ledger.Value("SELECT meaning" + where);
    INFO(meaning);
    CHECK(meaning.size() > 20);
    CHECK(meaning.ends_with('.'));
  }
}

TEST_CASE("The application and the version are marked in the file") {
  TestLedger ledger;
  CHECK(ledger.Value("PRAGMA application_id") == std::to_string(schema::kApplicationId));
  CHECK(ledger.Value("PRAGMA user_version") == std::to_string(schema::CurrentVersion()));
}

TEST_CASE("The SQL inside the program is that of the files, whole") {
  const std::string file = ReadFile(std::string(NAMEGATE_SOURCE_DIR) + "/schema/0001_ledger.sql");
  REQUIRE_FALSE(file.empty());
  CHECK(schema::Migrations().front().sql == file);
}

TEST_CASE("All tables are strict") {
  TestLedger ledger;
  CHECK(ledger.Value("SELECT count(*) FROM pragma_table_list"
                     " WHERE schema = 'main' AND type = 'table' AND NOT strict"
                     " AND name <> 'sqlite_schema'") == "0");
}

TEST_CASE("The views have the promised columns, in order") {
  TestLedger ledger;
  const std::pair<const char*, const char*> kPromised[] = {
      {"sessions", "session,label,gate,opened,closed,policy"},
      {"queries",
       "id,time,session,label,client,transport,qname,qtype,verdict,reason,rule,rcode,ede,source,"
       "duration_us,answer_id"},
      {"answers", "answer_id,position,owner,type,ttl,data"},
      {"connections",
       "id,time,session,label,gate,pid,process,protocol,address,port,verdict,reason,rule,name,"
       "query_id"},
      {"denials", "time,session,label,kind,what,reason,remedy"},
      {"destinations", "session,name,address,port,protocol,first,last,attempts"},
      {"notices", "id,time,kind,text"},
      {"removals", "id,begun,done,why,through,seal,queries,connections,sessions"},
  };
  for (const auto& [view, columns] : kPromised) {
    const std::string all =
        ledger.Value("SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_table_info('" +
                     std::string(view) + "') ORDER BY cid)");
    INFO(view << ": " << all);
    CHECK((all + ",").starts_with(std::string(columns) + ","));
  }
}

TEST_CASE("A session is shown with its policy, and how it ended") {
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "build"));
  CHECK(ledger.Value("SELECT session || ' ' || label || ' ' || gate || ' ' || opened || ' ' ||"
                     " policy || listen FROM sessions") ==
        "1 build preload 2027-01-15T08:00:00.000001Z pypi.org:443\n127.64.0.1:53");
  CHECK(ledger.Value("SELECT closed FROM sessions") == "NULL");
  ledger.Add(SessionClosedRow{1, kNoonUs + 999'999, "owner-gone"});
  CHECK(ledger.Value("SELECT closed || ' ' || close_reason FROM sessions") ==
        "2027-01-15T08:00:01.000000Z owner-gone");
}

TEST_CASE("A notice is shown as it was written, made printable") {
  TestLedger ledger;
  ledger.Add(resolver::NoticeRow{kNoonUs, "set-aside", "a file\nwas corrupt"});
  CHECK(ledger.Value("SELECT id || ' ' || time || ' ' || kind || ' ' || text FROM notices") ==
        "1 2027-01-15T08:00:00.000001Z set-aside a file\\x0awas corrupt");
}

TEST_CASE("A query is shown with everything that was recorded of it") {
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "build"));
  auto row = AllowedRow(ledger, "pypi.org");
  row.client = Endpoint::FromText("[2001:db8::9]:4242").value();
  row.transport = resolver::Transport::kTcp;
  row.qtype = 28;
  row.source = resolver::Source::kCache;
  row.answer = Answer({ARecord("pypi.org", "2001:db8::1", 300)});
  row.answer_age_s = 17;
  ledger.Add(row);
  CHECK(ledger.Value(
            "SELECT id || ' ' || time || ' ' || session || ' ' || label || ' ' || client || ' ' ||"
            " transport || ' ' || qname || ' ' || qtype || ' ' || verdict || ' ' || reason || ' '"
            " || rule || ' ' || rcode || ' ' || source || ' ' || duration_us || ' ' || answer_id ||"
            " ' ' || answer_age FROM queries WHERE ede IS NULL AND detail IS NULL") ==
        "1 2027-01-15T08:00:00.000002Z 1 build [2001:db8::9]:4242 tcp pypi.org AAAA allow rule "
        "pypi.org:443 NOERROR cache 1234 1 17");
}

TEST_CASE("A query without a session, a question or an answer is a row all the same") {
  TestLedger ledger;
  auto row = DeniedRow(ledger, "x.example");
  row.session = 0;
  row.qname.reset();
  row.qtype = 0;
  row.qclass = 0;
  row.reason = Reason::kMalformed;
  row.rcode = 1;
  ledger.Add(row);
  CHECK(ledger.Value("SELECT verdict || reason || rcode FROM queries WHERE session IS NULL AND"
                     " qname IS NULL AND rule IS NULL AND answer_id IS NULL") ==
        "denymalformedFORMERR");
  CHECK(ledger.Value("SELECT what FROM denials WHERE remedy IS NULL") == "(unreadable question)");
}

TEST_CASE("Types and codes without a name are shown by number") {
  TestLedger ledger;
  auto row = DeniedRow(ledger, "x.example");
  row.qtype = 65280;
  row.rcode = 23;
  ledger.Add(row);
  CHECK(ledger.Value("SELECT qtype || ' ' || rcode FROM queries") == "TYPE65280 RCODE23");
  row = DeniedRow(ledger, "x.example");
  row.qtype = 65;
  ledger.Add(row);
  CHECK(ledger.Value("SELECT qtype FROM queries WHERE id = 2") == "HTTPS");
}

TEST_CASE("An answer keeps every record, in order, with its TTL") {
  TestLedger ledger;
  auto row = AllowedRow(ledger, "www.example");
  row.answer =
      Answer({Record{Name("www.example"), 5, 60, std::string(Name("cdn.example").wire())},
              ARecord("cdn.example", "192.0.2.2", 30), ARecord("cdn.example", "192.0.2.1", 30)});
  ledger.Add(row);
  CHECK(ledger.Value("SELECT group_concat(owner || ' ' || type || ' ' || ttl || ' ' || data, '; ')"
                     " FROM (SELECT owner, type, ttl, data FROM answers ORDER BY position)") ==
        "www.example CNAME 60 cdn.example; cdn.example A 30 192.0.2.2; "
        "cdn.example A 30 192.0.2.1");
}

TEST_CASE("Equal answers are stored once, whichever object they come in") {
  TestLedger ledger;
  for (int i = 0; i < 3; ++i) {
    auto row = AllowedRow(ledger, "www.example");
    row.answer = Answer({ARecord("www.example", "192.0.2.1", 30)});
    ledger.Add(row);
    ledger.Reopen();  // no cache helps
  }
  CHECK(ledger.Value("SELECT count(*) FROM answer_set") == "1");
  CHECK(ledger.Value("SELECT count(*) FROM record") == "1");
  CHECK(ledger.Value("SELECT count(DISTINCT answer_id) FROM queries") == "1");
}

TEST_CASE("Answers that differ in TTL or order are different answers with the same records") {
  TestLedger ledger;
  const auto first = ARecord("w.example", "192.0.2.1", 30);
  const auto second = ARecord("w.example", "192.0.2.2", 30);
  const std::vector<std::vector<Record>> kinds = {
      {first, second}, {second, first}, {first, ARecord("w.example", "192.0.2.2", 29)}, {first}};
  for (const auto& kind : kinds) {
    auto row = AllowedRow(ledger, "w.example");
    row.answer = Answer(kind);
    ledger.Add(row);
  }
  CHECK(ledger.Value("SELECT count(*) FROM answer_set") == "4");
  CHECK(ledger.Value("SELECT count(*) FROM record") == "2");
}

TEST_CASE("An answer at the address of one that was freed is not taken for it") {
  TestLedger ledger;
  // Storage that is used again, so that the addresses are certain to be equal.
  alignas(resolver::AnswerSet) unsigned char storage[sizeof(resolver::AnswerSet)];
  for (const char* address : {"192.0.2.1", "192.0.2.2"}) {
    auto* set = new (storage) resolver::AnswerSet{ARecord("w.example", address, 30)};
    auto row = AllowedRow(ledger, "w.example");
    std::promise<void> freed;
    row.answer = {set, [&freed](const resolver::AnswerSet* gone) {
                    std::destroy_at(gone);
                    freed.set_value();
                  }};
    ledger.Add(std::move(row));
    freed.get_future().wait();
  }
  CHECK(ledger.Value("SELECT group_concat(data, ' ') FROM (SELECT data FROM queries JOIN answers"
                     " USING (answer_id) ORDER BY id)") == "192.0.2.1 192.0.2.2");
}

TEST_CASE("Names, outcomes and addresses are stored once") {
  TestLedger ledger;
  for (int i = 0; i < 50; ++i) {
    ledger.Add(DeniedRow(ledger, "evil.example"));
    ledger.Add(AllowedRow(ledger, "pypi.org"));
    if (i % 10 == 0) ledger.Reopen();
  }
  CHECK(ledger.Value("SELECT count(*) FROM name") == "2");
  CHECK(ledger.Value("SELECT count(*) FROM outcome") == "2");
  CHECK(ledger.Value("SELECT count(*) FROM address") == "1");
  CHECK(ledger.Value("SELECT count(*) FROM rule") == "1");
}

TEST_CASE("A connection is shown with the query that admitted it") {
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "build"));
  auto query = AllowedRow(ledger, "pypi.org");
  query.answer = Answer({ARecord("pypi.org", "192.0.2.7", 300)});
  ledger.Add(query);
  auto row = ConnectedRow(ledger, "192.0.2.7:443");
  row.name = Name("pypi.org");
  row.query_id = query.id;
  ledger.Add(row);
  CHECK(ledger.Value("SELECT id || ' ' || time || ' ' || session || ' ' || label || ' ' || gate ||"
                     " ' ' || pid || ' ' || process || ' ' || protocol || ' ' || address || ' ' ||"
                     " port || ' ' || verdict || ' ' || reason || ' ' || rule || ' ' || name ||"
                     " ' ' || query_id FROM connections") ==
        "1 2027-01-15T08:00:00.001002Z 1 build preload 4711 curl tcp 192.0.2.7 443 allow lease "
        "pypi.org:443 pypi.org 1");
  CHECK(ledger.Value("SELECT a.data FROM connections AS c JOIN queries AS q ON q.id = c.query_id"
                     " JOIN answers AS a USING (answer_id)") == "192.0.2.7");
}

TEST_CASE("A connection without destination, name or query is a row all the same") {
  TestLedger ledger;
  auto row = RefusedRow(ledger, "192.0.2.1:1");
  row.destination.reset();
  row.protocol = 132;
  row.session = 0;
  row.reason = Reason::kProtocolNotAllowed;
  ledger.Add(row);
  CHECK(ledger.Value("SELECT protocol FROM connections WHERE address IS NULL AND port IS NULL AND"
                     " name IS NULL AND query_id IS NULL") == "132");
  CHECK(ledger.Value("SELECT what FROM denials WHERE remedy IS NULL") == "(no destination)");
}

TEST_CASE("A process name of the program's choice is kept in printable form") {
  TestLedger ledger;
  auto row = RefusedRow(ledger, "192.0.2.1:1");
  row.process = std::string("a\x1b]0;\xff\0z", 8);
  ledger.Add(row);
  CHECK(ledger.Value("SELECT process FROM connections") == "a\\x1b]0;\\xff\\x00z");
}

std::string QueryRemedy(resolver::QueryRow row, TestLedger& ledger) {
  row.verdict = Verdict::kDeny;
  ledger.Add(std::move(row));
  return ledger.Value("SELECT remedy FROM denials WHERE kind = 'query' ORDER BY id DESC LIMIT 1");
}

TEST_CASE("A denied name's remedy is the rule for it") {
  TestLedger ledger;
  CHECK(QueryRemedy(DeniedRow(ledger, "evil.example"), ledger) == "evil.example:443");
  auto ancestor = DeniedRow(ledger, "github.example");
  ancestor.reason = Reason::kAncestor;
  CHECK(QueryRemedy(ancestor, ledger) == "github.example:443");
}

TEST_CASE("A rebinding denial's remedy allows private answers on the ports of its rule") {
  TestLedger ledger;
  auto row = AllowedRow(ledger, "db.corp.example");
  row.reason = Reason::kRebinding;
  row.detail = "10.0.0.7";
  CHECK(QueryRemedy(row, ledger) == "allow-private db.corp.example:443");
  CHECK(ledger.Value("SELECT detail FROM denials") == "10.0.0.7");
  row = AllowedRow(ledger, "db.corp.example");
  row.reason = Reason::kRebinding;
  row.rule = "*.corp.example:5432,6000-6010";
  CHECK(QueryRemedy(row, ledger) == "allow-private db.corp.example:5432,6000-6010");
}

TEST_CASE("Where no rule can help there is no remedy") {
  TestLedger ledger;
  for (const Reason reason : {Reason::kTypeNotAllowed, Reason::kMalformed, Reason::kOverloaded,
                              Reason::kUnknownSession, Reason::kLedgerUnavailable}) {
    auto row = DeniedRow(ledger, "x.example");
    row.reason = reason;
    CHECK(QueryRemedy(row, ledger) == "NULL");
  }
  for (const char* qname : {".", "4.3.2.1.in-addr.arpa", "a\\032b.example", "\\*.example"}) {
    CHECK(QueryRemedy(DeniedRow(ledger, qname), ledger) == "NULL");
  }
}

std::string ConnectionRemedy(const resolver::ConnectionRow& row, TestLedger& ledger) {
  ledger.Add(row);
  return ledger.Value(
      "SELECT what || ' -> ' || coalesce(remedy, '-') FROM denials"
      " WHERE kind = 'connection' ORDER BY id DESC LIMIT 1");
}

TEST_CASE("A refused connection's remedy is the rule for its name, or else for its address") {
  TestLedger ledger;
  auto row = RefusedRow(ledger, "192.0.2.1:8443");
  CHECK(ConnectionRemedy(row, ledger) == "192.0.2.1:8443 -> 192.0.2.1:8443");
  row = RefusedRow(ledger, "[2001:db8::1]:53");
  row.protocol = 17;
  CHECK(ConnectionRemedy(row, ledger) == "[2001:db8::1]:53/udp -> [2001:db8::1]:53/udp");
  row = RefusedRow(ledger, "192.0.2.1:8443");
  row.reason = Reason::kPortNotAllowed;
  row.name = Name("pypi.org");
  CHECK(ConnectionRemedy(row, ledger) == "192.0.2.1:8443 -> pypi.org:8443");
  row = RefusedRow(ledger, "192.0.2.1:8443");
  row.reason = Reason::kLeaseExpired;
  row.name = Name("pypi.org");
  CHECK(ConnectionRemedy(row, ledger) == "192.0.2.1:8443 -> 192.0.2.1:8443");
  row = RefusedRow(ledger, "192.0.2.1:7");
  row.protocol = 132;
  row.reason = Reason::kProtocolNotAllowed;
  CHECK(ConnectionRemedy(row, ledger) == "192.0.2.1:7/132 -> -");
  row = RefusedRow(ledger, "192.0.2.1:7");
  row.reason = Reason::kSocketOption;
  CHECK(ConnectionRemedy(row, ledger) == "192.0.2.1:7 -> -");
}

TEST_CASE("Every remedy is a rule that can be given as it stands") {
  TestLedger ledger;
  ledger.Add(DeniedRow(ledger, "_srv.xn--bcher-kva.example"));
  ledger.Add(RefusedRow(ledger, "[2001:db8::1]:53"));
  auto udp = RefusedRow(ledger, "192.0.2.1:123");
  udp.protocol = 17;
  ledger.Add(udp);
  for (int i = 0; i < 3; ++i) {
    const std::string remedy = ledger.Value(
        "SELECT remedy FROM denials ORDER BY time LIMIT 1 OFFSET " + std::to_string(i));
    const auto rule = Rule::FromText(remedy);
    INFO(remedy);
    REQUIRE(rule);
    CHECK(rule->text == remedy);
  }
}

TEST_CASE("A UDP probe is a connection but no denial, and is no destination either") {
  TestLedger ledger;
  auto row = RefusedRow(ledger, "192.0.2.1:443");
  row.protocol = 17;
  row.reason = Reason::kUdpProbe;
  ledger.Add(row);
  CHECK(ledger.Value("SELECT verdict FROM connections") == "deny");
  CHECK(ledger.Value("SELECT count(*) FROM denials") == "0");
  CHECK(ledger.Value("SELECT count(*) FROM destinations") == "0");
}

TEST_CASE("Destinations count what was let through, per session, its name server aside") {
  TestLedger ledger;
  for (int i = 0; i < 3; ++i) {
    auto row = ConnectedRow(ledger, "192.0.2.7:443");
    row.name = Name("pypi.org");
    ledger.Add(row);
  }
  auto other = ConnectedRow(ledger, "192.0.2.7:443");
  other.session = 2;
  ledger.Add(other);
  ledger.Add(RefusedRow(ledger, "192.0.2.9:443"));
  auto nameserver = ConnectedRow(ledger, "127.64.0.1:53");
  nameserver.reason = Reason::kNameserver;
  ledger.Add(nameserver);
  CHECK(ledger.Value("SELECT count(*) FROM destinations") == "2");
  CHECK(ledger.Value("SELECT name || ' ' || address || ' ' || port || ' ' || protocol || ' ' ||"
                     " first || ' ' || last || ' ' || attempts FROM destinations"
                     " WHERE session = 1") ==
        "pypi.org 192.0.2.7 443 tcp 2027-01-15T08:00:00.001002Z 2027-01-15T08:00:00.001004Z 3");
}

TEST_CASE("At the start, what a session has open is found without a look at all connections") {
  const TestLedger ledger;
  auto database = Database::Open(ledger.path(), Database::Mode::kReadOnly);
  REQUIRE(database);
  auto plan = database->Prepare("EXPLAIN QUERY PLAN " + std::string(resolver::kOpenConnectionsSql));
  REQUIRE(plan);
  std::string steps;
  REQUIRE(ForEachRow(*plan, [&] { steps += std::string(plan->text(3)) + "\n"; }));
  CHECK_THAT(steps, Catch::Contains("SEARCH c USING INDEX connection_session"));
}

}  // namespace
}  // namespace namegate::testing
