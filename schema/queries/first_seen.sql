-- Which names were reached for the first time in the last seven days?
SELECT
  name,
  min(first) AS first_seen,
  count(DISTINCT session) AS sessions,
  sum(attempts) AS attempts
FROM destinations
WHERE name IS NOT NULL
GROUP BY name
HAVING min(first) >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-7 days')
ORDER BY first_seen, name;
