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
-- A rule without an id never decided anything in any session.
rules (session_id, label, line, rule_id) AS MATERIALIZED (
  SELECT l.session_id, l.label, l.rule, u.rule_id
  FROM lines AS l
  LEFT JOIN rule AS u
    ON u.text = iif(l.rule LIKE '% private', substr(l.rule, 1, length(l.rule) - 8), l.rule)
  WHERE l.rule IS NOT NULL AND l.rule <> ''
),
-- From query to query of a named session that was decided by a rule which is left, and then no more.
walk (session_id, at_query, left_rules) AS MATERIALIZED (
  SELECT session_id, coalesce(:after_query, 0), ',' || group_concat(DISTINCT rule_id) || ','
  FROM rules
  WHERE :session IS NOT NULL AND rule_id IS NOT NULL
  GROUP BY session_id
  UNION ALL
  SELECT w.session_id, hit.query_id,
    replace(w.left_rules, ',' || o.rule_id || ',', ',')
  FROM walk AS w
  CROSS JOIN query AS hit ON hit.query_id = (
    SELECT q.query_id
    FROM query AS q
    CROSS JOIN outcome AS p ON p.outcome_id = q.outcome_id
    WHERE q.query_id > w.at_query
      AND q.query_id <= coalesce(:until_query, 9223372036854775807)
      AND q.session_id = w.session_id
      AND instr(w.left_rules, ',' || p.rule_id || ',') > 0
    ORDER BY q.query_id
    LIMIT 1)
  CROSS JOIN outcome AS o ON o.outcome_id = hit.outcome_id
  WHERE w.left_rules <> ','
)
SELECT d.session_id AS session, d.label AS label, d.line AS rule
FROM rules AS d
WHERE d.rule_id IS NULL
  OR iif(:session IS NULL,
    (d.session_id, d.rule_id) NOT IN (
      SELECT q.session_id, o.rule_id
      FROM query AS q
      CROSS JOIN outcome AS o ON o.outcome_id = q.outcome_id
      WHERE q.query_id > max(coalesce(:after_query, 0), coalesce(:recent_query, 0))
        AND q.query_id <= coalesce(:until_query, 9223372036854775807)
        AND q.session_id IS NOT NULL AND o.rule_id IS NOT NULL),
    NOT EXISTS (
      SELECT 1 FROM walk AS w
      WHERE w.session_id = d.session_id
        AND instr(w.left_rules, ',' || d.rule_id || ',') = 0))
  AND (d.session_id, d.rule_id) NOT IN (
    SELECT c.session_id, c.rule_id
    FROM connection AS c
    WHERE c.session_id IN (SELECT session_id FROM chosen)
      AND c.rule_id IS NOT NULL
      AND c.connection_id > max(coalesce(:after_connection, 0), coalesce(:recent_connection, 0))
      AND c.connection_id <= coalesce(:until_connection, 9223372036854775807))
ORDER BY session, rule;
