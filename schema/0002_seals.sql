-- The ledger, version 2: seals, and what a restart needs. schema/README.md explains both.

-- One row per transaction that wrote something: a link of a chain over all that the ledger holds.
-- A column named after an id is the highest such id that the group wrote, NULL if it wrote none; so
-- the rows between an earlier seal's id and this one's are this group's. How `digest` and `checks`
-- are made is in schema/README.md, "Seals".
CREATE TABLE seal (
  seal_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,  -- when it was made; never less than the seal before, whatever the clock
  keyed INTEGER NOT NULL CHECK (keyed IN (0, 1)),  -- 0: SHA-256, 1: HMAC-SHA-256
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  checks BLOB NOT NULL,
  name_id INTEGER,
  address_id INTEGER,
  rule_id INTEGER,
  program_id INTEGER,
  gate_id INTEGER,
  policy_id INTEGER,
  record_id INTEGER,
  answer_id INTEGER,
  outcome_id INTEGER,
  session_id INTEGER,
  closing_id INTEGER,
  query_id INTEGER,
  counted_id INTEGER,
  connection_id INTEGER
) STRICT;

-- Where a session begins and ends in the chain: from there on, the rows are found by id.
CREATE INDEX seal_session ON seal (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX seal_closing ON seal (closing_id) WHERE closing_id IS NOT NULL;

-- Sessions do not end in the order in which they began; an id of its own puts an ending in its place
-- in the chain.
DROP VIEW sessions;

CREATE TABLE session_closing (
  closing_id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL UNIQUE REFERENCES session,
  closed_us INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;

INSERT INTO session_closing (session_id, closed_us, why)
SELECT session_id, closed_us, why FROM session_closed ORDER BY closed_us, session_id;

DROP TABLE session_closed;

-- Whether a session ends with the connection that opened it; only others outlive the daemon.
ALTER TABLE session ADD COLUMN owned INTEGER NOT NULL DEFAULT 1 CHECK (owned IN (0, 1));

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
  s.owned AS owned
FROM session AS s
JOIN gate AS g ON g.gate_id = s.gate_id
JOIN policy AS p ON p.policy_id = s.policy_id
LEFT JOIN session_closing AS c ON c.session_id = s.session_id;
