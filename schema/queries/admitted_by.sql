-- For each connection that was let through: the very answer that admitted it, with the time from
-- the answer to the connection and the TTL that the client was given.
SELECT
  c.time,
  c.session,
  c.process,
  c.address,
  c.port,
  q.qname,
  q.source,
  a.owner,
  a.ttl - q.answer_age AS ttl_given,
  round((c.time_us - q.time_us) / 1e6, 3) AS seconds_after
FROM connections AS c
JOIN queries AS q ON q.id = c.query_id
JOIN answers AS a ON a.answer_id = q.answer_id AND a.data = c.address
WHERE c.verdict = 'allow'
ORDER BY c.id, a.position;
