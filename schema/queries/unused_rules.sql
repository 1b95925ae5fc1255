-- Which rules of a session's policy never decided anything? They may be more than it needs. Of all
-- sessions that are open, or of one with --session; the policy is the one that it has now.
WITH RECURSIVE chosen (session_id, label, rest) AS (
  SELECT s.session_id, s.label, p.text
  FROM session AS s
  JOIN policy AS p ON p.policy_id = coalesce(
    (SELECT d.policy_id FROM policy_change AS d WHERE d.session_id = s.session_id
     ORDER BY d.change_id DESC LIMIT 1),
    s.policy_id)
  WHERE s.session_id IN (SELECT value FROM json_each(:session))
    OR (:session IS NULL
        AND s.session_id NOT IN (SELECT session_id FROM session_closing))
),
lines (session_id, label, rule, rest) AS (
  SELECT session_id, label, NULL, rest FROM chosen
  UNION ALL
  SELECT session_id, label,
    substr(rest, 1, instr(rest || char(10), char(10)) - 1),
    substr(rest, instr(rest || char(10), char(10)) + 1)
  FROM lines WHERE rest <> ''
),
rules (session_id, label, line, rule_id) AS (
  SELECT l.session_id, l.label, l.rule, u.rule_id
  FROM lines AS l
  LEFT JOIN rule AS u
    ON u.text = iif(l.rule LIKE '% private', substr(l.rule, 1, length(l.rule) - 8), l.rule)
  WHERE l.rule IS NOT NULL AND l.rule <> ''
),
decided (session_id, rule_id) AS (
  SELECT DISTINCT asked.session_id, o.rule_id
  FROM (
    SELECT DISTINCT session_id, outcome_id FROM query
    WHERE query_id > max(coalesce(:after_query, 0), coalesce(:recent_query, 0))
      AND query_id <= coalesce(:until_query, 9223372036854775807)
      AND (:session IS NULL OR session_id IN (SELECT value FROM json_each(:session)))
  ) AS asked
  JOIN outcome AS o ON o.outcome_id = asked.outcome_id
  WHERE o.rule_id IS NOT NULL
  UNION
  SELECT session_id, rule_id FROM connection
  WHERE rule_id IS NOT NULL
    AND connection_id > max(coalesce(:after_connection, 0), coalesce(:recent_connection, 0))
    AND connection_id <= coalesce(:until_connection, 9223372036854775807)
    AND (:session IS NULL OR session_id IN (SELECT value FROM json_each(:session)))
)
SELECT r.session_id AS session, r.label AS label, r.line AS rule
FROM rules AS r
WHERE NOT EXISTS (
  SELECT 1 FROM decided AS d WHERE d.session_id = r.session_id AND d.rule_id = r.rule_id)
ORDER BY session, rule;
