-- What was denied most, in how many sessions, and which rule would allow it? A row for several, past
-- a session's limits, counts as those. They are counted in the indexes of what was denied, so that it
-- does not matter how much else there is.
WITH asked (session_id, outcome_id, times, first_id, last_id) AS MATERIALIZED (
  SELECT session_id, outcome_id, count(*), min(query_id), max(query_id)
  FROM query INDEXED BY query_denied
  WHERE verdict = 0
    AND query_id > coalesce(:after_query, 0)
    AND query_id <= coalesce(:until_query, 9223372036854775807)
    AND (:session IS NULL OR session_id IN (SELECT value FROM json_each(:session)))
  GROUP BY session_id, outcome_id
  UNION ALL
  SELECT q.session_id, q.outcome_id, k.count - 1, k.query_id, k.query_id
  FROM query_count AS k
  CROSS JOIN query AS q ON q.query_id = k.query_id
  WHERE q.verdict = 0
    AND k.query_id > coalesce(:after_query, 0)
    AND k.query_id <= coalesce(:until_query, 9223372036854775807)
    AND (:session IS NULL OR q.session_id IN (SELECT value FROM json_each(:session)))
),
tried (session_id, name_id, address_id, port, protocol, reason, times, first_id, last_id)
  AS MATERIALIZED (
  SELECT session_id, name_id, address_id, port, protocol, reason, count(*), min(connection_id),
    max(connection_id)
  FROM connection INDEXED BY connection_denied_to
  WHERE verdict = 0
    AND connection_id > coalesce(:after_connection, 0)
    AND connection_id <= coalesce(:until_connection, 9223372036854775807)
    AND (:session IS NULL OR session_id IN (SELECT value FROM json_each(:session)))
  GROUP BY session_id, name_id, address_id, port, protocol, reason
  UNION ALL
  SELECT c.session_id, c.name_id, c.address_id, c.port, c.protocol, c.reason, k.count - 1,
    k.connection_id, k.connection_id
  FROM connection_count AS k
  CROSS JOIN connection AS c ON c.connection_id = k.connection_id
  WHERE c.verdict = 0
    AND k.connection_id > coalesce(:after_connection, 0)
    AND k.connection_id <= coalesce(:until_connection, 9223372036854775807)
    AND (:session IS NULL OR c.session_id IN (SELECT value FROM json_each(:session)))
),
-- The words of each, of which several may be alike: a name is asked for by several types of record.
worded (outcome_id, session_id, kind, what, reason, remedy, times, first_id, last_id)
  AS MATERIALIZED (
  SELECT g.outcome_id, NULL, d.kind, d.what, d.reason, d.remedy, g.times, g.first_id, g.last_id
  FROM (
    SELECT outcome_id, sum(times) AS times, min(first_id) AS first_id, max(last_id) AS last_id
    FROM asked
    GROUP BY outcome_id
  ) AS g
  CROSS JOIN denied_queries AS d ON d.id = g.last_id
  UNION ALL
  SELECT NULL, t.session_id, d.kind, d.what, d.reason, d.remedy, t.times, t.first_id, t.last_id
  FROM tried AS t
  CROSS JOIN denied_connections AS d ON d.id = t.last_id
),
most AS MATERIALIZED (
  SELECT kind, what, reason, remedy, sum(times) AS times, min(first_id) AS first_id,
    max(last_id) AS last_id
  FROM worded
  GROUP BY kind, what, reason, remedy
  ORDER BY sum(times) DESC, what, kind, reason
  LIMIT 50
)
SELECT
  m.times AS times,
  (SELECT count(DISTINCT iif(m.kind = 'query', a.session_id, w.session_id))
   FROM worded AS w
   LEFT JOIN asked AS a ON a.outcome_id = w.outcome_id
   WHERE w.kind = m.kind AND w.what = m.what AND w.reason = m.reason AND w.remedy IS m.remedy)
    AS sessions,
  m.kind AS kind,
  m.what AS what,
  m.reason AS reason,
  m.remedy AS remedy,
  iif(m.kind = 'query', (SELECT d.time FROM denied_queries AS d WHERE d.id = m.first_id),
      (SELECT d.time FROM denied_connections AS d WHERE d.id = m.first_id)) AS first,
  iif(m.kind = 'query', (SELECT d.time FROM denied_queries AS d WHERE d.id = m.last_id),
      (SELECT d.time FROM denied_connections AS d WHERE d.id = m.last_id)) AS last
FROM most AS m
ORDER BY m.times DESC, m.what, m.kind, m.reason;
