-- What did each session reach? One row per session, name and endpoint that was let through.
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
  g.session_id AS session,
  s.label AS label,
  coalesce(n.text, '(by address)') AS name,
  a.text AS address,
  g.port AS port,
  CASE g.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(g.protocol AS TEXT) END
    AS protocol,
  strftime('%Y-%m-%dT%H:%M:%S', g.first_us / 1000000, 'unixepoch')
    || printf('.%06dZ', g.first_us % 1000000) AS first,
  strftime('%Y-%m-%dT%H:%M:%S', g.last_us / 1000000, 'unixepoch')
    || printf('.%06dZ', g.last_us % 1000000) AS last,
  g.attempts AS attempts
FROM (
  SELECT c.session_id, c.name_id, c.address_id, c.port, c.protocol,
    min(c.time_us) AS first_us, max(c.time_us) AS last_us, count(*) AS attempts
  FROM chosen
  CROSS JOIN connection AS c ON c.connection_id = chosen.connection_id
  WHERE c.verdict = 1
    AND c.reason <> (SELECT reason_id FROM reason WHERE code = 'nameserver')
  GROUP BY c.session_id, c.name_id, c.address_id, c.port, c.protocol
) AS g
LEFT JOIN address AS a ON a.address_id = g.address_id
LEFT JOIN name AS n ON n.name_id = g.name_id
LEFT JOIN session AS s ON s.session_id = g.session_id
ORDER BY g.session_id, g.first_us, name, address, port;
