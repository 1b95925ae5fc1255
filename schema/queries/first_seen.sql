-- Which names were reached for the first time in the last seven days, or since --since?
-- Names are looked up one after the other in their index, so it does not matter how often each was
-- reached before.
WITH RECURSIVE reached (name_id) AS (
  SELECT min(name_id) FROM connection
  UNION ALL
  SELECT (SELECT min(c.name_id) FROM connection AS c WHERE c.name_id > reached.name_id)
  FROM reached WHERE reached.name_id IS NOT NULL
),
seen (name_id, first_us) AS (
  SELECT name_id,
    (SELECT c.time_us FROM connection AS c
     WHERE c.name_id = reached.name_id AND c.verdict = 1 ORDER BY c.connection_id LIMIT 1)
  FROM reached WHERE name_id IS NOT NULL
)
SELECT
  n.text AS name,
  strftime('%Y-%m-%dT%H:%M:%S', seen.first_us / 1000000, 'unixepoch')
    || printf('.%06dZ', seen.first_us % 1000000) AS first_seen,
  (SELECT count(DISTINCT c.session_id) FROM connection AS c
   WHERE c.name_id = seen.name_id AND c.verdict = 1) AS sessions,
  (SELECT count(*) FROM connection AS c
   WHERE c.name_id = seen.name_id AND c.verdict = 1) AS attempts
FROM seen
JOIN name AS n ON n.name_id = seen.name_id
WHERE seen.first_us >=
  coalesce(:since_us, CAST(strftime('%s', 'now', '-7 days') AS INTEGER) * 1000000)
ORDER BY seen.first_us, name;
