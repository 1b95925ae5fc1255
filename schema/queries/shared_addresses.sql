-- Which addresses were answered for several names? A connection to one of them may have been meant
-- for any of these: what is allowed for one name is reachable for all of them.
SELECT
  r.data AS address,
  count(DISTINCT r.owner_id) AS names,
  group_concat(DISTINCT n.text) AS owners
FROM record AS r
JOIN name AS n ON n.name_id = r.owner_id
WHERE r.type IN (1, 28)
GROUP BY r.data
HAVING count(DISTINCT r.owner_id) > 1
ORDER BY names DESC, address;
