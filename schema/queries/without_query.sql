-- Which connections came without a query? They were let through by a rule for an address, or were
-- attempts to reach an address that no name had led to.
SELECT
  session,
  label,
  process,
  address,
  port,
  protocol,
  verdict,
  reason,
  rule,
  count(*) AS attempts,
  min(time) AS first,
  max(time) AS last
FROM connections
WHERE query_id IS NULL AND reason NOT IN ('nameserver', 'udp-probe')
GROUP BY session, label, process, address, port, protocol, verdict, reason, rule
ORDER BY verdict DESC, attempts DESC, first;
