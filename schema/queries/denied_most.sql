-- What was denied most, in how many sessions, and which rule would allow it? A row for several, past
-- a session's limits, counts as those. All that was denied is counted in the indexes of that, so that
-- it does not matter how much else there is; the latest, row by row.
WITH span (whole, latest, after_query, until_query, after_connection, until_connection) AS (
  SELECT
    coalesce(:after_query, 0) = 0 AND coalesce(:until_query = 9223372036854775807, TRUE),
    coalesce(:recent_query, 0) > 0,
    max(coalesce(:after_query, 0), coalesce(:recent_query, 0)),
    coalesce(:until_query, 9223372036854775807),
    max(coalesce(:after_connection, 0), coalesce(:recent_connection, 0)),
    coalesce(:until_connection, 9223372036854775807)
),
-- Counted without a look at the bounds if there are none. min() is the first in its index, where
-- max() would cost more than the count.
asked (session_id, outcome_id, times, first_id) AS MATERIALIZED (
  SELECT session_id, outcome_id, count(*), min(query_id)
  FROM query INDEXED BY query_denied
  WHERE verdict = 0 AND :session IS NULL AND (SELECT whole AND NOT latest FROM span)
  GROUP BY session_id, outcome_id
  UNION ALL
  SELECT session_id, outcome_id, count(*), min(query_id)
  FROM query NOT INDEXED
  WHERE verdict = 0 AND :session IS NULL AND (SELECT latest FROM span)
    AND query_id > (SELECT after_query FROM span)
    AND query_id <= (SELECT until_query FROM span)
  GROUP BY session_id, outcome_id
  UNION ALL
  SELECT session_id, outcome_id, count(*), min(query_id)
  FROM query INDEXED BY query_denied
  WHERE verdict = 0 AND :session IS NULL AND (SELECT NOT whole AND NOT latest FROM span)
    AND query_id > (SELECT after_query FROM span)
    AND query_id <= (SELECT until_query FROM span)
  GROUP BY session_id, outcome_id
  UNION ALL
  SELECT session_id, outcome_id, count(*), min(query_id)
  FROM query INDEXED BY query_denied
  WHERE session_id IN (SELECT value FROM json_each(:session)) AND verdict = 0
    AND query_id > (SELECT after_query FROM span)
    AND query_id <= (SELECT until_query FROM span)
  GROUP BY session_id, outcome_id
  UNION ALL
  SELECT q.session_id, q.outcome_id, k.count - 1, k.query_id
  FROM query_count AS k
  CROSS JOIN query AS q ON q.query_id = k.query_id
  WHERE q.verdict = 0
    AND k.query_id > (SELECT after_query FROM span)
    AND k.query_id <= (SELECT until_query FROM span)
    AND (:session IS NULL OR q.session_id IN (SELECT value FROM json_each(:session)))
),
tried (session_id, name_id, address_id, port, protocol, reason, times, first_id, last_id)
  AS MATERIALIZED (
  SELECT session_id, name_id, address_id, port, protocol, reason, count(*), min(connection_id),
    max(connection_id)
  FROM connection INDEXED BY connection_denied_to
  WHERE verdict = 0
    AND connection_id > (SELECT after_connection FROM span)
    AND connection_id <= (SELECT until_connection FROM span)
    AND (:session IS NULL OR session_id IN (SELECT value FROM json_each(:session)))
  GROUP BY session_id, name_id, address_id, port, protocol, reason
  UNION ALL
  SELECT c.session_id, c.name_id, c.address_id, c.port, c.protocol, c.reason, k.count - 1,
    k.connection_id, k.connection_id
  FROM connection_count AS k
  CROSS JOIN connection AS c ON c.connection_id = k.connection_id
  WHERE c.verdict = 0
    AND k.connection_id > (SELECT after_connection FROM span)
    AND k.connection_id <= (SELECT until_connection FROM span)
    AND (:session IS NULL OR c.session_id IN (SELECT value FROM json_each(:session)))
),
-- The words of each, of which several may be alike: a name is asked for by several types of record.
worded (outcome_id, session_id, kind, what, reason, remedy, times, first_id, last_id)
  AS MATERIALIZED (
  SELECT g.outcome_id, NULL, d.kind, d.what, d.reason, d.remedy, g.times, g.first_id, NULL
  FROM (
    SELECT outcome_id, sum(times) AS times, min(first_id) AS first_id
    FROM asked
    GROUP BY outcome_id
  ) AS g
  CROSS JOIN denied_queries AS d ON d.id = g.first_id
  UNION ALL
  SELECT NULL, t.session_id, d.kind, d.what, d.reason, d.remedy, t.times, t.first_id, t.last_id
  FROM tried AS t
  CROSS JOIN denied_connections AS d ON d.id = t.first_id
),
most (place, kind, what, reason, remedy, times, first_id) AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY sum(times) DESC, what, kind, reason), kind, what, reason,
    remedy, sum(times), min(first_id)
  FROM worded
  GROUP BY kind, what, reason, remedy
  ORDER BY 1
  LIMIT 50
),
-- In which sessions, and the last time in each.
chosen (place, outcome_id, session_id, last_id) AS MATERIALIZED (
  SELECT m.place, w.outcome_id, w.session_id, w.last_id
  FROM most AS m
  CROSS JOIN worded AS w ON w.kind = m.kind AND w.what = m.what AND w.reason = m.reason
    AND w.remedy IS m.remedy
),
parts (place, session_id, last_id) AS (
  SELECT o.place, a.session_id,
    (SELECT q.query_id FROM query AS q INDEXED BY query_denied
     WHERE q.session_id IS a.session_id AND q.outcome_id = a.outcome_id AND q.verdict = 0
       AND q.query_id <= (SELECT until_query FROM span)
     ORDER BY q.query_id DESC LIMIT 1)
  FROM asked AS a
  CROSS JOIN chosen AS o ON o.outcome_id = a.outcome_id
  UNION ALL
  SELECT place, session_id, last_id FROM chosen WHERE outcome_id IS NULL
),
ends (place, sessions, last_id) AS MATERIALIZED (
  SELECT place, count(DISTINCT session_id), max(last_id)
  FROM parts
  GROUP BY place
)
SELECT
  m.times AS times,
  ends.sessions AS sessions,
  m.kind AS kind,
  m.what AS what,
  m.reason AS reason,
  m.remedy AS remedy,
  iif(m.kind = 'query', (SELECT d.time FROM denied_queries AS d WHERE d.id = m.first_id),
      (SELECT d.time FROM denied_connections AS d WHERE d.id = m.first_id)) AS first,
  iif(m.kind = 'query', (SELECT d.time FROM denied_queries AS d WHERE d.id = ends.last_id),
      (SELECT d.time FROM denied_connections AS d WHERE d.id = ends.last_id)) AS last
FROM most AS m
CROSS JOIN ends ON ends.place = m.place
ORDER BY m.place;
