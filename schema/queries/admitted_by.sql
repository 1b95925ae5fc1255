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
  c.time,
  c.session,
  c.process,
  c.address,
  c.port,
  q.qname,
  q.source,
  a.owner,
  a.ttl - q.answer_age AS ttl_given,
  round((c.time_us - q.time_us) / 1e6, 3) AS seconds_after
FROM chosen
CROSS JOIN connections AS c ON c.id = chosen.connection_id
CROSS JOIN queries AS q ON q.id = c.query_id
CROSS JOIN answers AS a ON a.answer_id = q.answer_id AND a.data = c.address
WHERE c.verdict = 'allow'
ORDER BY c.id, a.position;
