-- What was denied most, in which sessions, and which rule would allow it?
SELECT
  count(*) AS times,
  count(DISTINCT session) AS sessions,
  kind,
  what,
  reason,
  remedy,
  min(time) AS first,
  max(time) AS last
FROM denials
GROUP BY kind, what, reason, remedy
ORDER BY times DESC, what, kind, reason
LIMIT 50;
