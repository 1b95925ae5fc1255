-- Which connections came without a query? They were let through by a rule for an address, or were
-- attempts to reach an address that no name had led to.
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
  p.text AS process,
  a.text AS address,
  g.port AS port,
  CASE g.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(g.protocol AS TEXT) END
    AS protocol,
  iif(g.verdict = 1, 'allow', 'deny') AS verdict,
  r.code AS reason,
  u.text AS rule,
  g.attempts AS attempts,
  strftime('%Y-%m-%dT%H:%M:%S', g.first_us / 1000000, 'unixepoch')
    || printf('.%06dZ', g.first_us % 1000000) AS first,
  strftime('%Y-%m-%dT%H:%M:%S', g.last_us / 1000000, 'unixepoch')
    || printf('.%06dZ', g.last_us % 1000000) AS last
FROM (
  SELECT c.session_id, c.program_id, c.address_id, c.port, c.protocol, c.verdict, c.reason,
    c.rule_id, sum(coalesce(k.count, 1)) AS attempts, min(c.time_us) AS first_us,
    max(c.time_us) AS last_us
  FROM chosen
  CROSS JOIN connection AS c ON c.connection_id = chosen.connection_id
  LEFT JOIN connection_count AS k ON k.connection_id = c.connection_id
  WHERE c.query_id IS NULL
  GROUP BY c.session_id, c.program_id, c.address_id, c.port, c.protocol, c.verdict, c.reason,
    c.rule_id
) AS g
JOIN reason AS r ON r.reason_id = g.reason
JOIN program AS p ON p.program_id = g.program_id
LEFT JOIN session AS s ON s.session_id = g.session_id
LEFT JOIN address AS a ON a.address_id = g.address_id
LEFT JOIN rule AS u ON u.rule_id = g.rule_id
-- a lease without a query: the query was removed (schema/README.md, "Retention")
WHERE r.code NOT IN ('nameserver', 'udp-probe', 'lease')
ORDER BY verdict DESC, attempts DESC, first;
