-- Which answer admitted each connection? With the time from the answer to the connection, and the
-- TTL that the client was given.
WITH chosen (connection_id) AS (
  SELECT connection_id FROM connection
  WHERE :session IS NULL
    AND connection_id > max(coalesce(:after_connection, 0), coalesce(:recent_connection, 0))
    AND connection_id <= coalesce(:until_connection, 9223372036854775807)
  UNION ALL
  SELECT connection_id FROM connection
  WHERE session_id IN (SELECT value FROM json_each(:session))
    AND connection_id > coalesce(:after_connection, 0)
    AND connection_id <= coalesce(:until_connection, 9223372036854775807)
)
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', c.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.time_us % 1000000) AS time,
  c.session_id AS session,
  p.text AS process,
  a.text AS address,
  c.port AS port,
  n.text AS qname,
  f.name AS source,
  w.text AS owner,
  t.ttl - q.answer_age AS ttl_given,
  round((c.time_us - q.time_us) / 1e6, 3) AS seconds_after
FROM chosen
CROSS JOIN connection AS c ON c.connection_id = chosen.connection_id
CROSS JOIN query AS q ON q.query_id = c.query_id
CROSS JOIN address AS a ON a.address_id = c.address_id
CROSS JOIN answer_record AS t ON t.answer_id = q.answer_id
CROSS JOIN record AS r ON r.record_id = t.record_id AND r.data = a.text
CROSS JOIN name AS w ON w.name_id = r.owner_id
CROSS JOIN outcome AS o ON o.outcome_id = q.outcome_id
CROSS JOIN source AS f ON f.source_id = q.source
CROSS JOIN program AS p ON p.program_id = c.program_id
LEFT JOIN name AS n ON n.name_id = o.qname_id
WHERE c.verdict = 1
ORDER BY c.connection_id, t.position;
