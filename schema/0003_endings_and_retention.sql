-- The ledger, version 3: what happened to the ledger itself, the removal of what is old, how
-- connections ended, and what became of sessions.
-- schema/README.md explains it to an auditor.

-- What happened to the ledger or the daemon, rather than through it: a corrupt file set aside and a
-- new one begun, say. `kind` is a word that stays the same, `text` a sentence for a person.
CREATE TABLE notice (
  notice_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;

ALTER TABLE seal ADD COLUMN notice_id INTEGER;

CREATE VIEW notices AS
SELECT
  notice_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', time_us % 1000000) AS time,
  kind AS kind,
  text AS text,
  time_us AS time_us
FROM notice;

---------------------------------------------------------------------------------------------------
-- Retention (schema/README.md, "Retention")

-- What was recorded up to a seal is removed, but for what is still needed. The seal is the chain's
-- new beginning: who verifies starts behind it, with its digest.
CREATE TABLE removal (
  removal_id INTEGER PRIMARY KEY,
  begun_us INTEGER NOT NULL,
  why TEXT NOT NULL CHECK (why IN ('age', 'size')),
  seal_id INTEGER NOT NULL,
  seal_digest BLOB NOT NULL CHECK (length(seal_digest) = 32),
  seal_time_us INTEGER NOT NULL,
  -- for each table with rows up to the seal, the highest id: a JSON object
  marks TEXT NOT NULL
) STRICT;

ALTER TABLE seal ADD COLUMN removal_id INTEGER;

-- That it is through, and how much is gone. `kept_digest` is over the rows of `kept`.
CREATE TABLE removal_done (
  removal_id INTEGER PRIMARY KEY REFERENCES removal,
  done_us INTEGER NOT NULL,
  queries INTEGER NOT NULL,
  connections INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  kept_digest BLOB NOT NULL CHECK (length(kept_digest) = 32)
) STRICT;

ALTER TABLE seal ADD COLUMN removed_id INTEGER;

-- What stayed of the rows up to the last removal's seal, in lots: for each, the place of its table
-- in the chain, its highest id, and digest and checks as in `seal`. Not sealed itself, since each
-- removal makes it anew.
CREATE TABLE kept (
  removal_id INTEGER NOT NULL REFERENCES removal,
  lot INTEGER NOT NULL,  -- from 1
  place INTEGER NOT NULL,
  through_id INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  checks BLOB NOT NULL,
  PRIMARY KEY (removal_id, lot)
) STRICT, WITHOUT ROWID;

-- How much of a removal has been done, should it be broken off. Not sealed: removal_done is.
CREATE TABLE removal_progress (
  removal_id INTEGER PRIMARY KEY REFERENCES removal,
  queries INTEGER NOT NULL,
  connections INTEGER NOT NULL,
  sessions INTEGER NOT NULL
) STRICT;

CREATE VIEW removals AS
SELECT
  r.removal_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', r.begun_us / 1000000, 'unixepoch')
    || printf('.%06dZ', r.begun_us % 1000000) AS begun,
  strftime('%Y-%m-%dT%H:%M:%S', d.done_us / 1000000, 'unixepoch')
    || printf('.%06dZ', d.done_us % 1000000) AS done,
  r.why AS why,
  strftime('%Y-%m-%dT%H:%M:%S', r.seal_time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', r.seal_time_us % 1000000) AS through,
  r.seal_id AS seal,
  d.queries AS queries,
  d.connections AS connections,
  d.sessions AS sessions
FROM removal AS r
LEFT JOIN removal_done AS d ON d.removal_id = r.removal_id;

-- When a name was first reached, and how often, without a look at all connections.
CREATE INDEX connection_name ON connection (name_id) WHERE name_id IS NOT NULL;

-- What a flood's queries past the limit get: silence.
INSERT INTO rcode (code, name) VALUES (65535, 'none');

---------------------------------------------------------------------------------------------------
-- How connections ended, and what became of sessions

INSERT INTO reason (reason_id, code, alarm, meaning) VALUES
  (52, 'bypassed-preload', 1, 'The program did not ask the gate that explains denials: it went round it, or cannot load it, as static programs cannot. The enclave refused what it tried.');

CREATE TABLE ended_how (
  how_id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  meaning TEXT NOT NULL
) STRICT;

INSERT INTO ended_how (how_id, code, meaning) VALUES
  (1, 'closed', 'Both sides had ended it, or the program gave up before it was there.'),
  (2, 'reset', 'One of the two sides broke it.'),
  (3, 'refused', 'The far end refused it.'),
  (4, 'unreachable', 'No way led to the far end.'),
  (5, 'timed-out', 'The far end never answered.'),
  (6, 'idle', 'A flow of datagrams on which nothing came for a while.'),
  (7, 'session-closed', 'It was open when its session closed.'),
  (8, 'policy-changed', 'The session''s policy was changed and no longer allows it.'),
  (9, 'unknown', 'The enclave''s relay, or the daemon, was killed while it was open.');

-- One row for each connection that an enclave has carried, once it has ended. NULL: not known.
CREATE TABLE connection_ending (
  ending_id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL UNIQUE REFERENCES connection,
  closed_us INTEGER NOT NULL,
  bytes_out INTEGER,
  bytes_in INTEGER,
  how INTEGER NOT NULL REFERENCES ended_how
) STRICT;

-- Rows of `connection` that stand for several attempts, of a session that made too many to record
-- each.
CREATE TABLE connection_count (
  connection_id INTEGER PRIMARY KEY REFERENCES connection,
  count INTEGER NOT NULL CHECK (count > 1)
) STRICT;

-- From then on the session has this policy.
CREATE TABLE policy_change (
  change_id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL REFERENCES session,
  time_us INTEGER NOT NULL,
  policy_id INTEGER NOT NULL REFERENCES policy
) STRICT;

CREATE INDEX policy_change_session ON policy_change (session_id);

-- Sockets of the host that a session in an enclave was given, which others do not see.
CREATE TABLE exposure (
  exposure_id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL REFERENCES session,
  path TEXT NOT NULL
) STRICT;

CREATE INDEX exposure_session ON exposure (session_id);

ALTER TABLE seal ADD COLUMN ending_id INTEGER;
ALTER TABLE seal ADD COLUMN counted_connection_id INTEGER;
ALTER TABLE seal ADD COLUMN change_id INTEGER;
ALTER TABLE seal ADD COLUMN exposure_id INTEGER;

DROP VIEW connections;

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
  c.time_us AS time_us,
  strftime('%Y-%m-%dT%H:%M:%S', e.closed_us / 1000000, 'unixepoch')
    || printf('.%06dZ', e.closed_us % 1000000) AS closed,
  e.bytes_out AS bytes_out,
  e.bytes_in AS bytes_in,
  h.code AS ended,
  coalesce(k.count, 1) AS count
FROM connection AS c
JOIN gate AS g ON g.gate_id = c.gate_id
JOIN program AS p ON p.program_id = c.program_id
JOIN reason AS r ON r.reason_id = c.reason
LEFT JOIN session AS s ON s.session_id = c.session_id
LEFT JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN rule AS u ON u.rule_id = c.rule_id
LEFT JOIN name AS n ON n.name_id = c.name_id
LEFT JOIN connection_ending AS e ON e.connection_id = c.connection_id
LEFT JOIN ended_how AS h ON h.how_id = e.how
LEFT JOIN connection_count AS k ON k.connection_id = c.connection_id;

-- `policy` is the one that a session was opened with; `policy_now` the one it has, or had at its end.
DROP VIEW sessions;

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
  c.closed_us AS closed_us,
  s.owned AS owned,
  coalesce(
    (SELECT t.text FROM policy_change AS d JOIN policy AS t ON t.policy_id = d.policy_id
     WHERE d.session_id = s.session_id ORDER BY d.change_id DESC LIMIT 1),
    p.text) AS policy_now,
  (SELECT group_concat(x.path, char(10)) FROM exposure AS x WHERE x.session_id = s.session_id)
    AS exposed
FROM session AS s
JOIN gate AS g ON g.gate_id = s.gate_id
JOIN policy AS p ON p.policy_id = s.policy_id
LEFT JOIN session_closing AS c ON c.session_id = s.session_id;

-- Each change of an open session's policy.
CREATE VIEW policy_changes AS
SELECT
  d.change_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', d.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', d.time_us % 1000000) AS time,
  d.session_id AS session,
  p.text AS policy,
  d.time_us AS time_us
FROM policy_change AS d
JOIN policy AS p ON p.policy_id = d.policy_id;

-- As before, and with a remedy for what went round the preload gate; of each kind by itself, too.
DROP VIEW denials;

CREATE VIEW denied_queries AS
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
WHERE q.verdict = 0 AND r.alarm = 1;

CREATE VIEW denied_connections AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', c.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.time_us % 1000000) AS time,
  c.session_id AS session,
  s.label AS label,
  'connection' AS kind,
  coalesce(
    iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text)
      || iif(c.port > 0, ':' || c.port, '')
      || CASE c.protocol WHEN 6 THEN '' WHEN 17 THEN '/udp' ELSE '/' || c.protocol END,
    '(no destination)') AS what,
  r.code AS reason,
  CASE
    WHEN a.text IS NULL OR c.port IS NULL OR c.port = 0 OR c.protocol NOT IN (6, 17) THEN NULL
    -- an expired lease is not for want of a rule for the name: only one for the address would do
    WHEN r.code IN ('not-allowed', 'no-lease', 'lease-expired', 'port-not-allowed',
                    'bypassed-preload')
      THEN iif(n.text IS NULL OR n.text GLOB '*[^a-z0-9._-]*' OR r.code = 'lease-expired',
               iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text), n.text)
        || ':' || c.port || iif(c.protocol = 17, '/udp', '')
  END AS remedy,
  NULL AS qtype,
  p.text AS process,
  NULL AS detail,
  c.connection_id AS id,
  c.time_us AS time_us
FROM connection AS c
JOIN reason AS r ON r.reason_id = c.reason
JOIN program AS p ON p.program_id = c.program_id
LEFT JOIN session AS s ON s.session_id = c.session_id
LEFT JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN name AS n ON n.name_id = c.name_id
WHERE c.verdict = 0 AND r.alarm = 1;

CREATE VIEW denials AS
SELECT time, session, label, kind, what, reason, remedy, qtype, process, detail, id, time_us
FROM denied_queries
UNION ALL
SELECT time, session, label, kind, what, reason, remedy, qtype, process, detail, id, time_us
FROM denied_connections;

-- So that what was denied most is counted in indexes alone (which must have all columns that
-- are named for that, verdict too).
DROP INDEX query_denied;
CREATE INDEX query_denied ON query (session_id, outcome_id, verdict) WHERE verdict = 0;
CREATE INDEX connection_denied_to
  ON connection (session_id, name_id, address_id, port, protocol, reason, verdict)
  WHERE verdict = 0;
