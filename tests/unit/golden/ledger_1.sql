-- A ledger as the first version left it: written by the daemon, then dumped. Not to be edited.
BEGIN TRANSACTION;
CREATE TABLE address (
  address_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "address" VALUES(1,'127.0.0.1');
CREATE TABLE answer_record (
  answer_id INTEGER NOT NULL REFERENCES answer_set,
  position INTEGER NOT NULL,  -- from 1
  record_id INTEGER NOT NULL REFERENCES record,
  ttl INTEGER NOT NULL,  -- seconds, as the answer was fetched
  PRIMARY KEY (answer_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "answer_record" VALUES(1,1,1,300);
INSERT INTO "answer_record" VALUES(2,1,2,300);
CREATE TABLE answer_set (
  answer_id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE
) STRICT;
INSERT INTO "answer_set" VALUES(1,X'E3057AEDBC28C8EDD4A504BFAD4B1E05');
INSERT INTO "answer_set" VALUES(2,X'DD5D164E6388B112530F97409FCB78FD');
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
INSERT INTO "connection" VALUES(1,1795470760547998,1,1,4711,1,6,1,443,1,2,1,1,1);
CREATE TABLE gate (
  gate_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "gate" VALUES(1,'none');
INSERT INTO "gate" VALUES(2,'preload');
CREATE TABLE name (
  name_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "name" VALUES(1,'pypi.org');
INSERT INTO "name" VALUES(2,'a.example.org');
INSERT INTO "name" VALUES(3,'evil.example');
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
INSERT INTO "outcome" VALUES(1,1,1,1,1,1,0,NULL,'');
INSERT INTO "outcome" VALUES(2,2,1,1,1,2,0,NULL,'');
INSERT INTO "outcome" VALUES(3,3,1,1,40,NULL,3,NULL,'');
INSERT INTO "outcome" VALUES(4,1,1,1,40,NULL,3,NULL,'');
INSERT INTO "outcome" VALUES(5,1,65,1,5,1,0,NULL,'');
CREATE TABLE policy (
  policy_id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,  -- the first 16 octets of the SHA-256 of `text`
  text TEXT NOT NULL
) STRICT;
INSERT INTO "policy" VALUES(1,X'EF4CF851E18195D331E30BA582BCD138','pypi.org:443
**.example.org:443
');
INSERT INTO "policy" VALUES(2,X'86B0DBC120A6ED41C4FE48B5084F2FE7','192.0.2.9:80
');
CREATE TABLE program (
  program_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "program" VALUES(1,'curl');
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
INSERT INTO "query" VALUES(1,1795470760546096,1,1,55473,0,1,1,2,363,1,0);
INSERT INTO "query" VALUES(2,1795470760546933,1,1,57429,0,2,1,2,110,2,0);
INSERT INTO "query" VALUES(3,1795470760547327,1,1,46068,0,3,0,0,27,NULL,0);
INSERT INTO "query" VALUES(4,1795470760547566,1,1,34672,0,1,1,1,26,1,0);
INSERT INTO "query" VALUES(5,1795470760547797,2,1,45702,0,4,0,0,17,NULL,0);
INSERT INTO "query" VALUES(6,1795470760547993,1,1,57541,0,5,1,0,17,NULL,0);
CREATE TABLE query_count (
  query_id INTEGER PRIMARY KEY REFERENCES query,
  count INTEGER NOT NULL CHECK (count > 1)
) STRICT;
CREATE TABLE rcode (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "rcode" VALUES(0,'NOERROR');
INSERT INTO "rcode" VALUES(1,'FORMERR');
INSERT INTO "rcode" VALUES(2,'SERVFAIL');
INSERT INTO "rcode" VALUES(3,'NXDOMAIN');
INSERT INTO "rcode" VALUES(4,'NOTIMP');
INSERT INTO "rcode" VALUES(5,'REFUSED');
INSERT INTO "rcode" VALUES(6,'YXDOMAIN');
INSERT INTO "rcode" VALUES(7,'YXRRSET');
INSERT INTO "rcode" VALUES(8,'NXRRSET');
INSERT INTO "rcode" VALUES(9,'NOTAUTH');
INSERT INTO "rcode" VALUES(10,'NOTZONE');
INSERT INTO "rcode" VALUES(16,'BADVERS');
CREATE TABLE reason (
  reason_id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  -- 0: harmless by nature, not listed in `denials`
  alarm INTEGER NOT NULL CHECK (alarm IN (0, 1)),
  meaning TEXT NOT NULL
) STRICT;
INSERT INTO "reason" VALUES(1,'rule',1,'A rule of the session''s policy allows it.');
INSERT INTO "reason" VALUES(2,'lease',1,'The address was given to this session as the answer for a name that its policy allows.');
INSERT INTO "reason" VALUES(3,'nameserver',1,'The destination is the session''s own name server.');
INSERT INTO "reason" VALUES(4,'special-name',1,'A special-use name such as localhost, answered by Namegate itself and never sent upstream.');
INSERT INTO "reason" VALUES(5,'type-withheld',1,'The name is allowed, but HTTPS and SVCB records are answered empty, because they carry addresses and ports past the policy.');
INSERT INTO "reason" VALUES(6,'no-ipv6-route',1,'The name is allowed, but this host has no IPv6 route, so IPv6 addresses were answered empty.');
INSERT INTO "reason" VALUES(7,'truncated',1,'The answer was too large for UDP; the client was told to ask again over TCP.');
INSERT INTO "reason" VALUES(20,'upstream-timeout',1,'The name is allowed, but no upstream name server replied in time.');
INSERT INTO "reason" VALUES(21,'upstream-unreachable',1,'The name is allowed, but no upstream name server could be reached.');
INSERT INTO "reason" VALUES(22,'upstream-refused',1,'The name is allowed, but every upstream name server reported a failure or refused.');
INSERT INTO "reason" VALUES(23,'upstream-invalid',1,'The name is allowed, but what an upstream name server sent cannot be an answer to the question.');
INSERT INTO "reason" VALUES(24,'upstream-loop',1,'An upstream name server asked Namegate the very question that Namegate had asked it: each is configured to ask the other.');
INSERT INTO "reason" VALUES(40,'not-allowed',1,'No rule of the session''s policy allows it.');
INSERT INTO "reason" VALUES(41,'ancestor',1,'The name itself is not allowed, but a name below it is; it was answered as existing without records.');
INSERT INTO "reason" VALUES(42,'type-not-allowed',1,'The name is allowed, but not records of this type.');
INSERT INTO "reason" VALUES(43,'rebinding',1,'The answer led to a private or otherwise special address, which no public name should have; the whole answer was dropped.');
INSERT INTO "reason" VALUES(44,'no-lease',1,'No answer given to this session held this address, and no rule allows the address itself.');
INSERT INTO "reason" VALUES(45,'lease-expired',1,'The address was answered to this session, but too long ago; the program should ask for the name again.');
INSERT INTO "reason" VALUES(46,'port-not-allowed',1,'The name behind the address is allowed, but not on this port or protocol.');
INSERT INTO "reason" VALUES(47,'protocol-not-allowed',1,'Neither TCP nor UDP; no rule can allow it.');
INSERT INTO "reason" VALUES(48,'udp-probe',0,'A UDP connect() to the address of an allowed name, with which C libraries choose among addresses; nothing was sent.');
INSERT INTO "reason" VALUES(49,'socket-option',1,'The program asked for an option that routes around the destination it names.');
INSERT INTO "reason" VALUES(50,'tunnel-budget',1,'A wildcard rule allows the name, but this session has asked for more distinct names below it within the hour than the budget has.');
INSERT INTO "reason" VALUES(51,'operator-deny',1,'The operator denies this name, or one that its answer leads through.');
INSERT INTO "reason" VALUES(60,'malformed',1,'The message could not be read as a proper query.');
INSERT INTO "reason" VALUES(61,'not-implemented',1,'A kind of DNS message that Namegate does not serve.');
INSERT INTO "reason" VALUES(62,'class-not-supported',1,'A DNS class other than IN.');
INSERT INTO "reason" VALUES(63,'bad-edns-version',1,'A version of EDNS that does not exist yet.');
INSERT INTO "reason" VALUES(64,'bad-gate-message',1,'The gate sent a message that is not a proper request.');
INSERT INTO "reason" VALUES(80,'unknown-session',1,'The client belongs to no open session.');
INSERT INTO "reason" VALUES(81,'session-closed',1,'The session was closed before.');
INSERT INTO "reason" VALUES(82,'overloaded',1,'More was asked at once than Namegate serves.');
INSERT INTO "reason" VALUES(83,'shutting-down',1,'Namegate was being stopped.');
INSERT INTO "reason" VALUES(84,'ledger-unavailable',1,'The ledger could not be written, so nothing was let through.');
CREATE TABLE record (
  record_id INTEGER PRIMARY KEY,
  owner_id INTEGER NOT NULL REFERENCES name,
  type INTEGER NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (owner_id, type, data)
) STRICT;
INSERT INTO "record" VALUES(1,1,1,'192.0.2.7');
INSERT INTO "record" VALUES(2,2,1,'192.0.2.7');
CREATE TABLE rrtype (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "rrtype" VALUES(1,'A');
INSERT INTO "rrtype" VALUES(2,'NS');
INSERT INTO "rrtype" VALUES(5,'CNAME');
INSERT INTO "rrtype" VALUES(6,'SOA');
INSERT INTO "rrtype" VALUES(10,'NULL');
INSERT INTO "rrtype" VALUES(11,'WKS');
INSERT INTO "rrtype" VALUES(12,'PTR');
INSERT INTO "rrtype" VALUES(13,'HINFO');
INSERT INTO "rrtype" VALUES(14,'MINFO');
INSERT INTO "rrtype" VALUES(15,'MX');
INSERT INTO "rrtype" VALUES(16,'TXT');
INSERT INTO "rrtype" VALUES(17,'RP');
INSERT INTO "rrtype" VALUES(18,'AFSDB');
INSERT INTO "rrtype" VALUES(24,'SIG');
INSERT INTO "rrtype" VALUES(25,'KEY');
INSERT INTO "rrtype" VALUES(28,'AAAA');
INSERT INTO "rrtype" VALUES(29,'LOC');
INSERT INTO "rrtype" VALUES(33,'SRV');
INSERT INTO "rrtype" VALUES(35,'NAPTR');
INSERT INTO "rrtype" VALUES(36,'KX');
INSERT INTO "rrtype" VALUES(37,'CERT');
INSERT INTO "rrtype" VALUES(39,'DNAME');
INSERT INTO "rrtype" VALUES(41,'OPT');
INSERT INTO "rrtype" VALUES(42,'APL');
INSERT INTO "rrtype" VALUES(43,'DS');
INSERT INTO "rrtype" VALUES(44,'SSHFP');
INSERT INTO "rrtype" VALUES(45,'IPSECKEY');
INSERT INTO "rrtype" VALUES(46,'RRSIG');
INSERT INTO "rrtype" VALUES(47,'NSEC');
INSERT INTO "rrtype" VALUES(48,'DNSKEY');
INSERT INTO "rrtype" VALUES(49,'DHCID');
INSERT INTO "rrtype" VALUES(50,'NSEC3');
INSERT INTO "rrtype" VALUES(51,'NSEC3PARAM');
INSERT INTO "rrtype" VALUES(52,'TLSA');
INSERT INTO "rrtype" VALUES(53,'SMIMEA');
INSERT INTO "rrtype" VALUES(55,'HIP');
INSERT INTO "rrtype" VALUES(59,'CDS');
INSERT INTO "rrtype" VALUES(60,'CDNSKEY');
INSERT INTO "rrtype" VALUES(61,'OPENPGPKEY');
INSERT INTO "rrtype" VALUES(62,'CSYNC');
INSERT INTO "rrtype" VALUES(63,'ZONEMD');
INSERT INTO "rrtype" VALUES(64,'SVCB');
INSERT INTO "rrtype" VALUES(65,'HTTPS');
INSERT INTO "rrtype" VALUES(99,'SPF');
INSERT INTO "rrtype" VALUES(108,'EUI48');
INSERT INTO "rrtype" VALUES(109,'EUI64');
INSERT INTO "rrtype" VALUES(249,'TKEY');
INSERT INTO "rrtype" VALUES(250,'TSIG');
INSERT INTO "rrtype" VALUES(251,'IXFR');
INSERT INTO "rrtype" VALUES(252,'AXFR');
INSERT INTO "rrtype" VALUES(253,'MAILB');
INSERT INTO "rrtype" VALUES(254,'MAILA');
INSERT INTO "rrtype" VALUES(255,'ANY');
INSERT INTO "rrtype" VALUES(256,'URI');
INSERT INTO "rrtype" VALUES(257,'CAA');
CREATE TABLE rule (
  rule_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "rule" VALUES(1,'pypi.org:443');
INSERT INTO "rule" VALUES(2,'**.example.org:443');
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
INSERT INTO "session" VALUES(1,1795470760537505,'build',1,1,'127.77.3.2:5398','','bf7965eebea719d01144');
INSERT INTO "session" VALUES(2,1795470760545583,'other',2,2,'127.77.3.3:5398','','292d948743e70307536e');
CREATE TABLE session_closed (
  session_id INTEGER PRIMARY KEY REFERENCES session,
  closed_us INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;
INSERT INTO "session_closed" VALUES(1,1795470760548278,'closed');
INSERT INTO "session_closed" VALUES(2,1795470760884298,'daemon-died');
CREATE TABLE source (
  source_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "source" VALUES(0,'local');
INSERT INTO "source" VALUES(1,'cache');
INSERT INTO "source" VALUES(2,'upstream');
INSERT INTO "source" VALUES(3,'coalesced');
CREATE INDEX outcome_content
  ON outcome (qname_id, qtype, qclass, reason, rule_id, rcode, ede, detail);
CREATE INDEX query_denied ON query (session_id) WHERE verdict = 0;
CREATE INDEX connection_session ON connection (session_id);
CREATE INDEX connection_denied ON connection (session_id) WHERE verdict = 0;
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
COMMIT;
PRAGMA application_id = 1313295431;
PRAGMA user_version = 1;
