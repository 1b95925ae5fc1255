-- What was denied most, in which sessions, and which rule would allow it? A row for several queries
-- (past a session's limits) counts as those.
SELECT
  sum(coalesce(k.count, 1)) AS times,
  count(DISTINCT session) AS sessions,
  kind,
  what,
  reason,
  remedy,
  min(time) AS first,
  max(time) AS last
FROM denials
LEFT JOIN query_count AS k ON kind = 'query' AND k.query_id = id
GROUP BY kind, what, reason, remedy
ORDER BY times DESC, what, kind, reason
LIMIT 50;
