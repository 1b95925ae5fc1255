-- Which addresses were answered for several names? A connection to one of them may have been meant
-- for any of these: what is allowed for one name is reachable for all of them.
SELECT
  data AS address,
  count(DISTINCT owner) AS names,
  group_concat(DISTINCT owner) AS owners
FROM answers
WHERE type IN ('A', 'AAAA')
GROUP BY data
HAVING count(DISTINCT owner) > 1
ORDER BY names DESC, address;
