-- The ledger, version 1. Applied in one transaction, never edited afterwards: a change is a new
-- file with the next number. schema/README.md explains it to an auditor; people read the views at
-- the end, whose names and columns are stable.
--
-- Everything that repeats is stored once and referred to by id, so that a row of `query` or
-- `connection` is a few integers. No row is ever changed: what happens later is a row elsewhere.
-- Times are integer microseconds since 1970, UTC. All text is printable ASCII (and the newlines of
-- `policy`): what a client or a program chose is escaped before it comes here.
--
-- References are declared for the reader and for PRAGMA foreign_key_check; they are not enforced
-- while writing, where each would cost a look-up per row.

PRAGMA application_id = 1313295431;  -- "NGLG"

---------------------------------------------------------------------------------------------------
-- Vocabulary

-- Why a verdict, or a response, is what it is (common/reason.h has the same numbers and codes).
CREATE TABLE reason (
  reason_id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  -- 0: harmless by nature, not listed in `denials`
  alarm INTEGER NOT NULL CHECK (alarm IN (0, 1)),
  meaning TEXT NOT NULL
) STRICT;

INSERT INTO reason (reason_id, code, alarm, meaning) VALUES
  (1, 'rule', 1, 'A rule of the session''s policy allows it.'),
  (2, 'lease', 1, 'The address was given to this session as the answer for a name that its policy allows.'),
  (3, 'nameserver', 1, 'The destination is the session''s own name server.'),
  (4, 'special-name', 1, 'A special-use name such as localhost, answered by Namegate itself and never sent upstream.'),
  (5, 'type-withheld', 1, 'The name is allowed, but HTTPS and SVCB records are answered empty, because they carry addresses and ports past the policy.'),
  (6, 'no-ipv6-route', 1, 'The name is allowed, but this host has no IPv6 route, so IPv6 addresses were answered empty.'),
  (7, 'truncated', 1, 'The answer was too large for UDP; the client was told to ask again over TCP.'),
  (20, 'upstream-timeout', 1, 'The name is allowed, but no upstream name server replied in time.'),
  (21, 'upstream-unreachable', 1, 'The name is allowed, but no upstream name server could be reached.'),
  (22, 'upstream-refused', 1, 'The name is allowed, but every upstream name server reported a failure or refused.'),
  (23, 'upstream-invalid', 1, 'The name is allowed, but what an upstream name server sent cannot be an answer to the question.'),
  (24, 'upstream-loop', 1, 'An upstream name server asked Namegate the very question that Namegate had asked it: each is configured to ask the other.'),
  (40, 'not-allowed', 1, 'No rule of the session''s policy allows it.'),
  (41, 'ancestor', 1, 'The name itself is not allowed, but a name below it is; it was answered as existing without records.'),
  (42, 'type-not-allowed', 1, 'The name is allowed, but not records of this type.'),
  (43, 'rebinding', 1, 'The answer led to a private or otherwise special address, which no public name should have; the whole answer was dropped.'),
  (44, 'no-lease', 1, 'No answer given to this session held this address, and no rule allows the address itself.'),
  (45, 'lease-expired', 1, 'The address was answered to this session, but too long ago; the program should ask for the name again.'),
  (46, 'port-not-allowed', 1, 'The name behind the address is allowed, but not on this port or protocol.'),
  (47, 'protocol-not-allowed', 1, 'Neither TCP nor UDP; no rule can allow it.'),
  (48, 'udp-probe', 0, 'A UDP connect() to the address of an allowed name, with which C libraries choose among addresses; nothing was sent.'),
  (49, 'socket-option', 1, 'The program asked for an option that routes around the destination it names.'),
  (50, 'tunnel-budget', 1, 'A wildcard rule allows the name, but this session has asked for more distinct names below it within the hour than the budget has.'),
  (51, 'operator-deny', 1, 'The operator denies this name, or one that its answer leads through.'),
  (60, 'malformed', 1, 'The message could not be read as a proper query.'),
  (61, 'not-implemented', 1, 'A kind of DNS message that Namegate does not serve.'),
  (62, 'class-not-supported', 1, 'A DNS class other than IN.'),
  (63, 'bad-edns-version', 1, 'A version of EDNS that does not exist yet.'),
  (64, 'bad-gate-message', 1, 'The gate sent a message that is not a proper request.'),
  (80, 'unknown-session', 1, 'The client belongs to no open session.'),
  (81, 'session-closed', 1, 'The session was closed before.'),
  (82, 'overloaded', 1, 'More was asked at once than Namegate serves.'),
  (83, 'shutting-down', 1, 'Namegate was being stopped.'),
  (84, 'ledger-unavailable', 1, 'The ledger could not be written, so nothing was let through.');

-- Where a response came from.
CREATE TABLE source (
  source_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO source (source_id, name) VALUES
  (0, 'local'),      -- made by Namegate itself: denials, special names
  (1, 'cache'),
  (2, 'upstream'),
  (3, 'coalesced');  -- from the upstream, asked for another client's equal query

-- Mnemonics of the IANA registry "Domain Name System (DNS) Parameters"; codes without one are
-- shown as RFC 3597 §5 has it (TYPE65280).
CREATE TABLE rrtype (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO rrtype (code, name) VALUES
  (1, 'A'), (2, 'NS'), (5, 'CNAME'), (6, 'SOA'), (10, 'NULL'), (11, 'WKS'), (12, 'PTR'),
  (13, 'HINFO'), (14, 'MINFO'), (15, 'MX'), (16, 'TXT'), (17, 'RP'), (18, 'AFSDB'), (24, 'SIG'),
  (25, 'KEY'), (28, 'AAAA'), (29, 'LOC'), (33, 'SRV'), (35, 'NAPTR'), (36, 'KX'), (37, 'CERT'),
  (39, 'DNAME'), (41, 'OPT'), (42, 'APL'), (43, 'DS'), (44, 'SSHFP'), (45, 'IPSECKEY'),
  (46, 'RRSIG'), (47, 'NSEC'), (48, 'DNSKEY'), (49, 'DHCID'), (50, 'NSEC3'), (51, 'NSEC3PARAM'),
  (52, 'TLSA'), (53, 'SMIMEA'), (55, 'HIP'), (59, 'CDS'), (60, 'CDNSKEY'), (61, 'OPENPGPKEY'),
  (62, 'CSYNC'), (63, 'ZONEMD'), (64, 'SVCB'), (65, 'HTTPS'), (99, 'SPF'), (108, 'EUI48'),
  (109, 'EUI64'), (249, 'TKEY'), (250, 'TSIG'), (251, 'IXFR'), (252, 'AXFR'), (253, 'MAILB'),
  (254, 'MAILA'), (255, 'ANY'), (256, 'URI'), (257, 'CAA');

CREATE TABLE rcode (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO rcode (code, name) VALUES
  (0, 'NOERROR'), (1, 'FORMERR'), (2, 'SERVFAIL'), (3, 'NXDOMAIN'), (4, 'NOTIMP'), (5, 'REFUSED'),
  (6, 'YXDOMAIN'), (7, 'YXRRSET'), (8, 'NXRRSET'), (9, 'NOTAUTH'), (10, 'NOTZONE'),
  (16, 'BADVERS');

---------------------------------------------------------------------------------------------------
-- What repeats, stored once

-- Domain names: lower case, escaped as in zone files, without the final dot ('.' is the root).
CREATE TABLE name (
  name_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- IPv4 and IPv6 addresses in numeric text.
CREATE TABLE address (
  address_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Single rules as they decided: 'pypi.org:443'.
CREATE TABLE rule (
  rule_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Names of processes, as the processes chose them.
CREATE TABLE program (
  program_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Kinds of gate: 'preload', 'enclave', 'none'.
CREATE TABLE gate (
  gate_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Whole policies, one rule a line.
CREATE TABLE policy (
  policy_id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,  -- the first 16 octets of the SHA-256 of `text`
  text TEXT NOT NULL
) STRICT;

-- Single resource records, class IN. `data` is presentation format; the names in A, AAAA, CNAME,
-- NS, PTR and DNAME records are written as in `name`.
CREATE TABLE record (
  record_id INTEGER PRIMARY KEY,
  owner_id INTEGER NOT NULL REFERENCES name,
  type INTEGER NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (owner_id, type, data)
) STRICT;

-- Whole answers, with order and TTLs. `digest` is the first 16 octets of the SHA-256 over all
-- records in wire format: owner, type, TTL, length of the data, data (RFC 1035 §3.2.1 without the
-- class).
CREATE TABLE answer_set (
  answer_id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE answer_record (
  answer_id INTEGER NOT NULL REFERENCES answer_set,
  position INTEGER NOT NULL,  -- from 1
  record_id INTEGER NOT NULL REFERENCES record,
  ttl INTEGER NOT NULL,  -- seconds, as the answer was fetched
  PRIMARY KEY (answer_id, position)
) STRICT, WITHOUT ROWID;

-- What was asked and what was decided about it; it repeats for as long as the policy does not
-- change.
CREATE TABLE outcome (
  outcome_id INTEGER PRIMARY KEY,
  qname_id INTEGER REFERENCES name,  -- NULL: the question could not be read
  qtype INTEGER NOT NULL,
  qclass INTEGER NOT NULL,
  reason INTEGER NOT NULL REFERENCES reason,
  rule_id INTEGER REFERENCES rule,
  rcode INTEGER NOT NULL,
  ede INTEGER,  -- RFC 8914; NULL: none was sent
  detail TEXT NOT NULL
) STRICT;

CREATE INDEX outcome_content
  ON outcome (qname_id, qtype, qclass, reason, rule_id, rcode, ede, detail);

---------------------------------------------------------------------------------------------------
-- What happened

CREATE TABLE session (
  session_id INTEGER PRIMARY KEY,
  opened_us INTEGER NOT NULL,
  label TEXT NOT NULL,
  gate_id INTEGER NOT NULL REFERENCES gate,
  policy_id INTEGER NOT NULL REFERENCES policy,
  listen TEXT NOT NULL,  -- its name server's address
  client TEXT NOT NULL,  -- or the client addresses that are this session
  token TEXT NOT NULL    -- of its gate socket; a secret while the session is open
) STRICT;

CREATE TABLE session_closed (
  session_id INTEGER PRIMARY KEY REFERENCES session,
  closed_us INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;

CREATE TABLE query (
  query_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  session_id INTEGER REFERENCES session,  -- NULL: no session was recognised
  client_id INTEGER NOT NULL REFERENCES address,
  client_port INTEGER NOT NULL,
  transport INTEGER NOT NULL CHECK (transport IN (0, 1)),  -- 0 UDP, 1 TCP
  outcome_id INTEGER NOT NULL REFERENCES outcome,
  verdict INTEGER NOT NULL CHECK (verdict IN (0, 1)),  -- 0 deny, 1 allow
  source INTEGER NOT NULL REFERENCES source,
  duration_us INTEGER NOT NULL,
  answer_id INTEGER REFERENCES answer_set,  -- NULL: the client got no record
  answer_age INTEGER NOT NULL  -- seconds by which the client's TTLs were lower than the answer's
) STRICT;

-- Rows of `query` that stand for several queries: what a session asked past its limits.
CREATE TABLE query_count (
  query_id INTEGER PRIMARY KEY REFERENCES query,
  count INTEGER NOT NULL CHECK (count > 1)
) STRICT;

CREATE INDEX query_denied ON query (session_id) WHERE verdict = 0;

CREATE TABLE connection (
  connection_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  session_id INTEGER REFERENCES session,
  gate_id INTEGER NOT NULL REFERENCES gate,
  pid INTEGER NOT NULL,
  program_id INTEGER NOT NULL REFERENCES program,
  protocol INTEGER NOT NULL,  -- IANA protocol number
  address_id INTEGER REFERENCES address,  -- NULL: the gate refused without a destination
  port INTEGER,
  verdict INTEGER NOT NULL CHECK (verdict IN (0, 1)),
  reason INTEGER NOT NULL REFERENCES reason,
  rule_id INTEGER REFERENCES rule,
  name_id INTEGER REFERENCES name,  -- the name that the address was answered for
  query_id INTEGER REFERENCES query  -- the query whose answer held the address
) STRICT;

CREATE INDEX connection_session ON connection (session_id);
CREATE INDEX connection_denied ON connection (session_id) WHERE verdict = 0;

---------------------------------------------------------------------------------------------------
-- The views. Extra columns may be added at the end; what is here stays.

CREATE VIEW sessions AS
SELECT
  s.session_id AS session,
  s.label AS label,
  g.text AS gate,
  strftime('%Y-%m-%dT%H:%M:%S', s.opened_us / 1000000, 'unixepoch')
    || printf('.%06dZ', s.opened_us % 1000000) AS opened,
  strftime('%Y-%m-%dT%H:%M:%S', c.closed_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.closed_us % 1000000) AS closed,
  p.text AS policy,
  c.why AS close_reason,
  s.listen AS listen,
  s.client AS client,
  s.opened_us AS opened_us,
  c.closed_us AS closed_us
FROM session AS s
JOIN gate AS g ON g.gate_id = s.gate_id
JOIN policy AS p ON p.policy_id = s.policy_id
LEFT JOIN session_closed AS c ON c.session_id = s.session_id;

CREATE VIEW queries AS
SELECT
  q.query_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', q.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', q.time_us % 1000000) AS time,
  q.session_id AS session,
  s.label AS label,
  iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text) || ':' || q.client_port AS client,
  iif(q.transport = 0, 'udp', 'tcp') AS transport,
  n.text AS qname,
  coalesce(t.name, 'TYPE' || o.qtype) AS qtype,
  iif(q.verdict = 1, 'allow', 'deny') AS verdict,
  r.code AS reason,
  u.text AS rule,
  coalesce(c.name, 'RCODE' || o.rcode) AS rcode,
  o.ede AS ede,
  f.name AS source,
  q.duration_us AS duration_us,
  q.answer_id AS answer_id,
  q.answer_age AS answer_age,
  o.qclass AS qclass,
  nullif(o.detail, '') AS detail,
  q.time_us AS time_us,
  coalesce(k.count, 1) AS count
FROM query AS q
JOIN outcome AS o ON o.outcome_id = q.outcome_id
JOIN address AS a ON a.address_id = q.client_id
JOIN reason AS r ON r.reason_id = o.reason
JOIN source AS f ON f.source_id = q.source
LEFT JOIN session AS s ON s.session_id = q.session_id
LEFT JOIN name AS n ON n.name_id = o.qname_id
LEFT JOIN rrtype AS t ON t.code = o.qtype
LEFT JOIN rule AS u ON u.rule_id = o.rule_id
LEFT JOIN rcode AS c ON c.code = o.rcode
LEFT JOIN query_count AS k ON k.query_id = q.query_id;

-- The TTLs are those of the answer as it was fetched; a client got ttl - queries.answer_age.
CREATE VIEW answers AS
SELECT
  ar.answer_id AS answer_id,
  ar.position AS position,
  n.text AS owner,
  coalesce(t.name, 'TYPE' || r.type) AS type,
  ar.ttl AS ttl,
  r.data AS data
FROM answer_record AS ar
JOIN record AS r ON r.record_id = ar.record_id
JOIN name AS n ON n.name_id = r.owner_id
LEFT JOIN rrtype AS t ON t.code = r.type;

CREATE VIEW connections AS
SELECT
  c.connection_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', c.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.time_us % 1000000) AS time,
  c.session_id AS session,
  s.label AS label,
  g.text AS gate,
  c.pid AS pid,
  p.text AS process,
  CASE c.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(c.protocol AS TEXT) END
    AS protocol,
  a.text AS address,
  c.port AS port,
  iif(c.verdict = 1, 'allow', 'deny') AS verdict,
  r.code AS reason,
  u.text AS rule,
  n.text AS name,
  c.query_id AS query_id,
  c.time_us AS time_us
FROM connection AS c
JOIN gate AS g ON g.gate_id = c.gate_id
JOIN program AS p ON p.program_id = c.program_id
JOIN reason AS r ON r.reason_id = c.reason
LEFT JOIN session AS s ON s.session_id = c.session_id
LEFT JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN rule AS u ON u.rule_id = c.rule_id
LEFT JOIN name AS n ON n.name_id = c.name_id;

-- What was refused, and in `remedy` the rule that would allow it; NULL where no rule can help. The
-- port is not known when a name is asked: 443 stands there for the port that is needed.
CREATE VIEW denials AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', q.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', q.time_us % 1000000) AS time,
  q.session_id AS session,
  s.label AS label,
  'query' AS kind,
  coalesce(n.text, '(unreadable question)') AS what,
  r.code AS reason,
  CASE
    -- what cannot be written as a rule, and reverse look-ups, which no rule is about
    WHEN n.text IS NULL OR n.text GLOB '*[^a-z0-9._-]*' OR n.text = '.'
      OR n.text = 'arpa' OR n.text GLOB '*.arpa' THEN NULL
    -- records other than addresses are opened by type (common/record_type.h)
    WHEN r.code IN ('not-allowed', 'ancestor', 'type-not-allowed')
      AND o.qtype NOT IN (0, 1, 28, 41, 64, 65) AND o.qtype NOT BETWEEN 128 AND 255
      THEN n.text || '/' || coalesce(t.name, 'TYPE' || o.qtype)
    WHEN r.code IN ('not-allowed', 'ancestor') THEN n.text || ':443'
    -- the ports of the rule that allowed the name
    WHEN r.code = 'rebinding'
      THEN 'allow-private ' || n.text || coalesce(substr(u.text, instr(u.text, ':')), ':443')
  END AS remedy,
  coalesce(t.name, 'TYPE' || o.qtype) AS qtype,
  NULL AS process,
  nullif(o.detail, '') AS detail,
  q.query_id AS id,
  q.time_us AS time_us
FROM query AS q
JOIN outcome AS o ON o.outcome_id = q.outcome_id
JOIN reason AS r ON r.reason_id = o.reason
LEFT JOIN session AS s ON s.session_id = q.session_id
LEFT JOIN name AS n ON n.name_id = o.qname_id
LEFT JOIN rrtype AS t ON t.code = o.qtype
LEFT JOIN rule AS u ON u.rule_id = o.rule_id
WHERE q.verdict = 0 AND r.alarm = 1
UNION ALL
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', c.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.time_us % 1000000),
  c.session_id,
  s.label,
  'connection',
  coalesce(
    iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text)
      || iif(c.port > 0, ':' || c.port, '')
      || CASE c.protocol WHEN 6 THEN '' WHEN 17 THEN '/udp' ELSE '/' || c.protocol END,
    '(no destination)'),
  r.code,
  CASE
    WHEN a.text IS NULL OR c.port IS NULL OR c.port = 0 OR c.protocol NOT IN (6, 17) THEN NULL
    -- an expired lease is not for want of a rule for the name: only one for the address would do
    WHEN r.code IN ('not-allowed', 'no-lease', 'lease-expired', 'port-not-allowed')
      THEN iif(n.text IS NULL OR n.text GLOB '*[^a-z0-9._-]*' OR r.code = 'lease-expired',
               iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text), n.text)
        || ':' || c.port || iif(c.protocol = 17, '/udp', '')
  END,
  NULL,
  p.text,
  NULL,
  c.connection_id,
  c.time_us
FROM connection AS c
JOIN reason AS r ON r.reason_id = c.reason
JOIN program AS p ON p.program_id = c.program_id
LEFT JOIN session AS s ON s.session_id = c.session_id
LEFT JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN name AS n ON n.name_id = c.name_id
WHERE c.verdict = 0 AND r.alarm = 1;

-- What each session was let through to, its own name server aside.
CREATE VIEW destinations AS
SELECT
  c.session_id AS session,
  n.text AS name,
  a.text AS address,
  c.port AS port,
  CASE c.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(c.protocol AS TEXT) END
    AS protocol,
  strftime('%Y-%m-%dT%H:%M:%S', min(c.time_us) / 1000000, 'unixepoch')
    || printf('.%06dZ', min(c.time_us) % 1000000) AS first,
  strftime('%Y-%m-%dT%H:%M:%S', max(c.time_us) / 1000000, 'unixepoch')
    || printf('.%06dZ', max(c.time_us) % 1000000) AS last,
  count(*) AS attempts,
  max(c.time_us) AS last_us
FROM connection AS c
JOIN reason AS r ON r.reason_id = c.reason
JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN name AS n ON n.name_id = c.name_id
WHERE c.verdict = 1 AND r.code <> 'nameserver'
GROUP BY c.session_id, c.name_id, c.address_id, c.port, c.protocol;
