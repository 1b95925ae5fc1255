#pragma once

namespace namegate::command {

// The ends of the help texts of `audit`: what to know, by example.

inline constexpr char kAuditHelp[] = R"help(Examples:
  namegate audit summary --since 1h
      how much was asked and denied, and what was denied most
  namegate audit denied --session ci
      what that session was refused, and the rule that would allow it
  namegate audit sql 'SELECT name, address, port, attempts FROM destinations'
      anything else, in SQL

Everything is read from the ledger, STATE_DIR/ledger.db, whether the daemon runs or not.
Times are UTC. Exit status: 0 well, 1 trouble, 2 wrong usage.)help";

inline constexpr char kAuditSummaryHelp[] = R"help(Examples:
  namegate audit summary
  namegate audit summary --session 7 --json)help";

inline constexpr char kAuditQueriesHelp[] = R"help(Examples:
  namegate audit queries --since 15m
  namegate audit queries --session ci --limit 0
  namegate audit queries --since 2027-01-15T08:00:00 --json | jq '.[].qname')help";

inline constexpr char kAuditConnectionsHelp[] = R"help(Examples:
  namegate audit connections --session 7
  namegate audit connections --since 2h --json | jq '.[] | select(.verdict == "deny")')help";

inline constexpr char kAuditDeniedHelp[] =
    R"help(The last column is the option that would allow it: for `namegate run` and
`namegate session open`, or without the dashes for the policy file. Where a name was denied, 443
stands for the port that is needed. "-" means that no rule can help.

Examples:
  namegate audit denied --session ci
  namegate audit denied --since 1d --json | jq -r '.[].remedy | select(.)' | sort -u)help";

inline constexpr char kAuditTailHelp[] =
    R"help(A line each: time, session, verdict, reason, and what it was. --json prints an object a line.
With -f it goes on until it is interrupted, or nobody reads its output any more, and goes over to the
new ledger if the daemon finds this one damaged.

Examples:
  namegate audit tail -f
  namegate audit tail -f --session ci --json | jq -r 'select(.verdict == "deny") | .what')help";

inline constexpr char kAuditExportHelp[] =
    R"help(jsonl is one JSON object a line; without --view all views follow one another, and the member
"view" says which. csv is as RFC 4180 has it, of one view: NULL is an empty field. Rows are printed
as they are read, so the ledger may be of any size. Views: sessions, policy_changes, queries,
answers, connections, denials, destinations, notices, removals.

Examples:
  namegate audit export > ledger.jsonl
  namegate audit export --view connections --format csv --since 7d > week.csv)help";

inline constexpr char kAuditVerifyHelp[] =
    R"help(Every row is held against the seals that were written with it. What was changed, removed or
inserted is listed, and the exit status is 1; it is 0 if all is as it was written. Whoever can write
the file can make new seals for all of it, unless they were made with a key (STATE_DIR/ledger.key)
or a head was kept where they cannot reach it.

Examples:
  namegate audit verify
  namegate audit verify --head >> /mnt/elsewhere/heads
  namegate audit verify --since "$(tail -n 1 /mnt/elsewhere/heads)")help";

inline constexpr char kAuditSqlHelp[] =
    R"help(SQL is one query in the SQL of SQLite, or - to read it from standard input. Views:
  sessions      session, label, gate, opened, closed, policy, close_reason, listen, client, owned,
                policy_now, exposed
  queries       id, time, session, label, client, transport, qname, qtype, verdict, reason, rule,
                rcode, ede, source, duration_us, answer_id, answer_age, qclass, detail, count
  answers       answer_id, position, owner, type, ttl, data
  connections   id, time, session, label, gate, pid, process, protocol, address, port, verdict,
                reason, rule, name, query_id, closed, bytes_out, bytes_in, ended, count
  denials       time, session, label, kind, what, reason, remedy, qtype, process, detail, id
                (of one kind: denied_queries, denied_connections)
  destinations  session, name, address, port, protocol, first, last, attempts
  policy_changes  id, time, session, policy
  notices       id, time, kind, text
  removals      id, begun, done, why, through, seal, queries, connections, sessions
Times are ISO 8601 in UTC and compare as texts. The ledger is opened to read only.

Examples:
  namegate audit sql 'SELECT what, remedy, count(*) FROM denials GROUP BY 1, 2 ORDER BY 3 DESC'
  namegate audit sql "SELECT q.time, q.qname, a.data FROM queries AS q JOIN answers AS a
      USING (answer_id) WHERE q.qname = 'pypi.org' ORDER BY q.id, a.position"
  namegate audit sql - < question.sql
  namegate audit sql --ready reached --session ci --since 1d)help";

}  // namespace namegate::command
