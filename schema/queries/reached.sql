-- What did each session reach? One row per session, name and endpoint that was let through.
SELECT
  d.session,
  s.label,
  coalesce(d.name, '(by address)') AS name,
  d.address,
  d.port,
  d.protocol,
  d.first,
  d.last,
  d.attempts
FROM destinations AS d
LEFT JOIN sessions AS s ON s.session = d.session
ORDER BY d.session, d.first, d.name, d.address, d.port;
