-- How much went to each destination, and came from there? Only an enclave counts octets, and only
-- what has ended is counted.
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
  coalesce(n.text, a.text, '(no destination)') AS destination,
  g.port AS port,
  CASE g.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(g.protocol AS TEXT) END
    AS protocol,
  sum(g.connections) AS connections,
  count(DISTINCT g.session_id) AS sessions,
  sum(g.bytes_out) AS bytes_out,
  sum(g.bytes_in) AS bytes_in
FROM (
  SELECT c.session_id, c.name_id, c.address_id, c.port, c.protocol, count(*) AS connections,
    sum(e.bytes_out) AS bytes_out, sum(e.bytes_in) AS bytes_in
  FROM chosen
  CROSS JOIN connection AS c ON c.connection_id = chosen.connection_id
  CROSS JOIN connection_ending AS e ON e.connection_id = c.connection_id
  GROUP BY c.session_id, c.name_id, c.address_id, c.port, c.protocol
) AS g
LEFT JOIN name AS n ON n.name_id = g.name_id
LEFT JOIN address AS a ON a.address_id = g.address_id
GROUP BY destination, g.port, g.protocol
ORDER BY coalesce(sum(g.bytes_out), 0) + coalesce(sum(g.bytes_in), 0) DESC, destination, port,
  g.protocol;
