-- A ledger as the second version left it: written by the daemon, then dumped. Not to be edited.
BEGIN TRANSACTION;
CREATE TABLE reason (
  reason_id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  -- 0: harmless by nature, not listed in `denials`
  alarm INTEGER NOT NULL CHECK (alarm IN (0, 1)),
  meaning TEXT NOT NULL
) STRICT;
INSERT INTO reason VALUES(1,'rule',1,'A rule of the session''s policy allows it.');
INSERT INTO reason VALUES(2,'lease',1,'The address was given to this session as the answer for a name that its policy allows.');
INSERT INTO reason VALUES(3,'nameserver',1,'The destination is the session''s own name server.');
INSERT INTO reason VALUES(4,'special-name',1,'A special-use name such as localhost, answered by Namegate itself and never sent upstream.');
INSERT INTO reason VALUES(5,'type-withheld',1,'The name is allowed, but HTTPS and SVCB records are answered empty, because they carry addresses and ports past the policy.');
INSERT INTO reason VALUES(6,'no-ipv6-route',1,'The name is allowed, but this host has no IPv6 route, so IPv6 addresses were answered empty.');
INSERT INTO reason VALUES(7,'truncated',1,'The answer was too large for UDP; the client was told to ask again over TCP.');
INSERT INTO reason VALUES(20,'upstream-timeout',1,'The name is allowed, but no upstream name server replied in time.');
INSERT INTO reason VALUES(21,'upstream-unreachable',1,'The name is allowed, but no upstream name server could be reached.');
INSERT INTO reason VALUES(22,'upstream-refused',1,'The name is allowed, but every upstream name server reported a failure or refused.');
INSERT INTO reason VALUES(23,'upstream-invalid',1,'The name is allowed, but what an upstream name server sent cannot be an answer to the question.');
INSERT INTO reason VALUES(24,'upstream-loop',1,'An upstream name server asked Namegate the very question that Namegate had asked it: each is configured to ask the other.');
INSERT INTO reason VALUES(40,'not-allowed',1,'No rule of the session''s policy allows it.');
INSERT INTO reason VALUES(41,'ancestor',1,'The name itself is not allowed, but a name below it is; it was answered as existing without records.');
INSERT INTO reason VALUES(42,'type-not-allowed',1,'The name is allowed, but not records of this type.');
INSERT INTO reason VALUES(43,'rebinding',1,'The answer led to a private or otherwise special address, which no public name should have; the whole answer was dropped.');
INSERT INTO reason VALUES(44,'no-lease',1,'No answer given to this session held this address, and no rule allows the address itself.');
INSERT INTO reason VALUES(45,'lease-expired',1,'The address was answered to this session, but too long ago; the program should ask for the name again.');
INSERT INTO reason VALUES(46,'port-not-allowed',1,'The name behind the address is allowed, but not on this port or protocol.');
INSERT INTO reason VALUES(47,'protocol-not-allowed',1,'Neither TCP nor UDP; no rule can allow it.');
INSERT INTO reason VALUES(48,'udp-probe',0,'A UDP connect() to the address of an allowed name, with which C libraries choose among addresses; nothing was sent.');
INSERT INTO reason VALUES(49,'socket-option',1,'The program asked for an option that routes around the destination it names.');
INSERT INTO reason VALUES(50,'tunnel-budget',1,'A wildcard rule allows the name, but this session has asked for more distinct names below it within the hour than the budget has.');
INSERT INTO reason VALUES(51,'operator-deny',1,'The operator denies this name, or one that its answer leads through.');
INSERT INTO reason VALUES(60,'malformed',1,'The message could not be read as a proper query.');
INSERT INTO reason VALUES(61,'not-implemented',1,'A kind of DNS message that Namegate does not serve.');
INSERT INTO reason VALUES(62,'class-not-supported',1,'A DNS class other than IN.');
INSERT INTO reason VALUES(63,'bad-edns-version',1,'A version of EDNS that does not exist yet.');
INSERT INTO reason VALUES(64,'bad-gate-message',1,'The gate sent a message that is not a proper request.');
INSERT INTO reason VALUES(80,'unknown-session',1,'The client belongs to no open session.');
INSERT INTO reason VALUES(81,'session-closed',1,'The session was closed before.');
INSERT INTO reason VALUES(82,'overloaded',1,'More was asked at once than Namegate serves.');
INSERT INTO reason VALUES(83,'shutting-down',1,'Namegate was being stopped.');
INSERT INTO reason VALUES(84,'ledger-unavailable',1,'The ledger could not be written, so nothing was let through.');
CREATE TABLE source (
  source_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO source VALUES(0,'local');
INSERT INTO source VALUES(1,'cache');
INSERT INTO source VALUES(2,'upstream');
INSERT INTO source VALUES(3,'coalesced');
CREATE TABLE rrtype (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO rrtype VALUES(1,'A');
INSERT INTO rrtype VALUES(2,'NS');
INSERT INTO rrtype VALUES(5,'CNAME');
INSERT INTO rrtype VALUES(6,'SOA');
INSERT INTO rrtype VALUES(10,'NULL');
INSERT INTO rrtype VALUES(11,'WKS');
INSERT INTO rrtype VALUES(12,'PTR');
INSERT INTO rrtype VALUES(13,'HINFO');
INSERT INTO rrtype VALUES(14,'MINFO');
INSERT INTO rrtype VALUES(15,'MX');
INSERT INTO rrtype VALUES(16,'TXT');
INSERT INTO rrtype VALUES(17,'RP');
INSERT INTO rrtype VALUES(18,'AFSDB');
INSERT INTO rrtype VALUES(24,'SIG');
INSERT INTO rrtype VALUES(25,'KEY');
INSERT INTO rrtype VALUES(28,'AAAA');
INSERT INTO rrtype VALUES(29,'LOC');
INSERT INTO rrtype VALUES(33,'SRV');
INSERT INTO rrtype VALUES(35,'NAPTR');
INSERT INTO rrtype VALUES(36,'KX');
INSERT INTO rrtype VALUES(37,'CERT');
INSERT INTO rrtype VALUES(39,'DNAME');
INSERT INTO rrtype VALUES(41,'OPT');
INSERT INTO rrtype VALUES(42,'APL');
INSERT INTO rrtype VALUES(43,'DS');
INSERT INTO rrtype VALUES(44,'SSHFP');
INSERT INTO rrtype VALUES(45,'IPSECKEY');
INSERT INTO rrtype VALUES(46,'RRSIG');
INSERT INTO rrtype VALUES(47,'NSEC');
INSERT INTO rrtype VALUES(48,'DNSKEY');
INSERT INTO rrtype VALUES(49,'DHCID');
INSERT INTO rrtype VALUES(50,'NSEC3');
INSERT INTO rrtype VALUES(51,'NSEC3PARAM');
INSERT INTO rrtype VALUES(52,'TLSA');
INSERT INTO rrtype VALUES(53,'SMIMEA');
INSERT INTO rrtype VALUES(55,'HIP');
INSERT INTO rrtype VALUES(59,'CDS');
INSERT INTO rrtype VALUES(60,'CDNSKEY');
INSERT INTO rrtype VALUES(61,'OPENPGPKEY');
INSERT INTO rrtype VALUES(62,'CSYNC');
INSERT INTO rrtype VALUES(63,'ZONEMD');
INSERT INTO rrtype VALUES(64,'SVCB');
INSERT INTO rrtype VALUES(65,'HTTPS');
INSERT INTO rrtype VALUES(99,'SPF');
INSERT INTO rrtype VALUES(108,'EUI48');
INSERT INTO rrtype VALUES(109,'EUI64');
INSERT INTO rrtype VALUES(249,'TKEY');
INSERT INTO rrtype VALUES(250,'TSIG');
INSERT INTO rrtype VALUES(251,'IXFR');
INSERT INTO rrtype VALUES(252,'AXFR');
INSERT INTO rrtype VALUES(253,'MAILB');
INSERT INTO rrtype VALUES(254,'MAILA');
INSERT INTO rrtype VALUES(255,'ANY');
INSERT INTO rrtype VALUES(256,'URI');
INSERT INTO rrtype VALUES(257,'CAA');
CREATE TABLE rcode (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO rcode VALUES(0,'NOERROR');
INSERT INTO rcode VALUES(1,'FORMERR');
INSERT INTO rcode VALUES(2,'SERVFAIL');
INSERT INTO rcode VALUES(3,'NXDOMAIN');
INSERT INTO rcode VALUES(4,'NOTIMP');
INSERT INTO rcode VALUES(5,'REFUSED');
INSERT INTO rcode VALUES(6,'YXDOMAIN');
INSERT INTO rcode VALUES(7,'YXRRSET');
INSERT INTO rcode VALUES(8,'NXRRSET');
INSERT INTO rcode VALUES(9,'NOTAUTH');
INSERT INTO rcode VALUES(10,'NOTZONE');
INSERT INTO rcode VALUES(16,'BADVERS');
CREATE TABLE name (
  name_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO name VALUES(1,'pypi.org');
INSERT INTO name VALUES(2,'evil.example');
INSERT INTO name VALUES(3,'files.pythonhosted.org');
INSERT INTO name VALUES(4,'cdn.example.org');
INSERT INTO name VALUES(5,'bad.example.org');
INSERT INTO name VALUES(6,'org');
INSERT INTO name VALUES(7,'nope.example');
CREATE TABLE address (
  address_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO address VALUES(1,'127.0.0.1');
INSERT INTO address VALUES(2,'192.0.2.10');
INSERT INTO address VALUES(3,'192.0.2.20');
INSERT INTO address VALUES(4,'198.51.100.1');
INSERT INTO address VALUES(5,'127.91.7.4');
INSERT INTO address VALUES(6,'192.0.2.77');
INSERT INTO address VALUES(7,'10.0.0.9');
CREATE TABLE rule (
  rule_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO rule VALUES(1,'pypi.org:443');
INSERT INTO rule VALUES(2,'files.pythonhosted.org:443');
INSERT INTO rule VALUES(3,'cdn.example.org:443');
INSERT INTO rule VALUES(4,'bad.example.org:443');
INSERT INTO rule VALUES(5,'bad.example.org:5432');
INSERT INTO rule VALUES(6,'192.0.2.77:22');
CREATE TABLE program (
  program_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO program VALUES(1,'python3');
CREATE TABLE gate (
  gate_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO gate VALUES(1,'preload');
INSERT INTO gate VALUES(2,'none');
CREATE TABLE policy (
  policy_id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,  -- the first 16 octets of the SHA-256 of `text`
  text TEXT NOT NULL
) STRICT;
INSERT INTO policy VALUES(1,X'66240eaea91c2b23dd631e1141959a38',replace('pypi.org:443\nfiles.pythonhosted.org:443\ncdn.example.org:443\nbad.example.org:443\n','\n',char(10)));
INSERT INTO policy VALUES(2,X'c1cef053cb1ef357008b79c55790fc9a',replace('pypi.org:443\n192.0.2.77:22\nbad.example.org:5432 private\n','\n',char(10)));
INSERT INTO policy VALUES(3,X'ba3e289a38f825daeb8584eabb2512b9',replace('pypi.org:443\n','\n',char(10)));
CREATE TABLE record (
  record_id INTEGER PRIMARY KEY,
  owner_id INTEGER NOT NULL REFERENCES name,
  type INTEGER NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (owner_id, type, data)
) STRICT;
INSERT INTO record VALUES(1,1,1,'192.0.2.10');
INSERT INTO record VALUES(2,1,1,'192.0.2.11');
INSERT INTO record VALUES(3,3,1,'192.0.2.20');
INSERT INTO record VALUES(4,4,1,'192.0.2.20');
INSERT INTO record VALUES(5,5,1,'10.0.0.9');
CREATE TABLE answer_set (
  answer_id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE
) STRICT;
INSERT INTO answer_set VALUES(1,X'a2c7877332f8fe43ab758684ccb3a9a8');
INSERT INTO answer_set VALUES(2,X'cfaab9841e9ed76e5710f8ceb28436d0');
INSERT INTO answer_set VALUES(3,X'3b246289edd30136e5843da82a040a51');
INSERT INTO answer_set VALUES(4,X'e13b45620e242afffcac96670d55126c');
CREATE TABLE answer_record (
  answer_id INTEGER NOT NULL REFERENCES answer_set,
  position INTEGER NOT NULL,  -- from 1
  record_id INTEGER NOT NULL REFERENCES record,
  ttl INTEGER NOT NULL,  -- seconds, as the answer was fetched
  PRIMARY KEY (answer_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO answer_record VALUES(1,1,1,300);
INSERT INTO answer_record VALUES(1,2,2,300);
INSERT INTO answer_record VALUES(2,1,3,300);
INSERT INTO answer_record VALUES(3,1,4,300);
INSERT INTO answer_record VALUES(4,1,5,300);
CREATE TABLE outcome (
  outcome_id INTEGER PRIMARY KEY,
  qname_id INTEGER REFERENCES name,  -- NULL: the question could not be read
  qtype INTEGER NOT NULL,
  qclass INTEGER NOT NULL,
  reason INTEGER NOT NULL REFERENCES reason,
  rule_id INTEGER REFERENCES rule,
  rcode INTEGER NOT NULL,
  ede INTEGER,  -- RFC 8914; NULL: none was sent
  detail TEXT NOT NULL
) STRICT;
INSERT INTO outcome VALUES(1,1,1,1,1,1,0,NULL,'');
INSERT INTO outcome VALUES(2,2,1,1,40,NULL,3,NULL,'');
INSERT INTO outcome VALUES(3,3,1,1,1,2,0,NULL,'');
INSERT INTO outcome VALUES(4,4,1,1,1,3,0,NULL,'');
INSERT INTO outcome VALUES(5,5,1,1,43,4,3,NULL,'10.0.0.9');
INSERT INTO outcome VALUES(6,6,1,1,41,NULL,0,NULL,'');
INSERT INTO outcome VALUES(7,1,28,1,1,1,0,NULL,'');
INSERT INTO outcome VALUES(8,1,16,1,42,1,0,NULL,'');
INSERT INTO outcome VALUES(9,1,65,1,5,1,0,NULL,'');
INSERT INTO outcome VALUES(10,3,1,1,40,NULL,3,NULL,'');
INSERT INTO outcome VALUES(11,4,1,1,40,NULL,3,NULL,'');
INSERT INTO outcome VALUES(12,5,1,1,1,5,0,NULL,'');
INSERT INTO outcome VALUES(13,NULL,0,0,60,NULL,1,NULL,'');
INSERT INTO outcome VALUES(14,7,1,1,40,NULL,3,NULL,'');
CREATE TABLE session (
  session_id INTEGER PRIMARY KEY,
  opened_us INTEGER NOT NULL,
  label TEXT NOT NULL,
  gate_id INTEGER NOT NULL REFERENCES gate,
  policy_id INTEGER NOT NULL REFERENCES policy,
  listen TEXT NOT NULL,  -- its name server's address
  client TEXT NOT NULL,  -- or the client addresses that are this session
  token TEXT NOT NULL    -- of its gate socket; a secret while the session is open
, owned INTEGER NOT NULL DEFAULT 1 CHECK (owned IN (0, 1))) STRICT;
INSERT INTO session VALUES(1,1795477597396742,'build',1,1,'127.91.7.4:20053','','2d8bde9d1e7f0bcc8fc2',0);
INSERT INTO session VALUES(2,1795477597399011,'by hand',2,2,'127.91.7.5:20053','','c5423802fad464b24b5a',0);
INSERT INTO session VALUES(3,1795477597400069,'owned',1,3,'127.91.7.6:20053','','3edf1c92fcacd8e84fc3',1);
CREATE TABLE query (
  query_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  session_id INTEGER REFERENCES session,  -- NULL: no session was recognised
  client_id INTEGER NOT NULL REFERENCES address,
  client_port INTEGER NOT NULL,
  transport INTEGER NOT NULL CHECK (transport IN (0, 1)),  -- 0 UDP, 1 TCP
  outcome_id INTEGER NOT NULL REFERENCES outcome,
  verdict INTEGER NOT NULL CHECK (verdict IN (0, 1)),  -- 0 deny, 1 allow
  source INTEGER NOT NULL REFERENCES source,
  duration_us INTEGER NOT NULL,
  answer_id INTEGER REFERENCES answer_set,  -- NULL: the client got no record
  answer_age INTEGER NOT NULL  -- seconds by which the client's TTLs were lower than the answer's
) STRICT;
INSERT INTO "query" VALUES(1,1795477597400584,1,1,54387,0,1,1,2,15704,1,0);
INSERT INTO "query" VALUES(2,1795477597417178,1,1,52786,0,1,1,1,46,1,0);
INSERT INTO "query" VALUES(3,1795477597417446,1,1,58434,0,2,0,0,27,NULL,0);
INSERT INTO "query" VALUES(4,1795477597417709,1,1,45460,0,3,1,2,276,2,0);
INSERT INTO "query" VALUES(5,1795477597418395,1,1,51997,0,4,1,2,201,3,0);
INSERT INTO "query" VALUES(6,1795477597418963,1,1,42793,0,5,0,2,5024,NULL,0);
INSERT INTO "query" VALUES(7,1795477597424469,1,1,41450,0,6,0,0,22,NULL,0);
INSERT INTO "query" VALUES(8,1795477597424730,1,1,39324,0,7,1,2,7138,NULL,0);
INSERT INTO "query" VALUES(9,1795477597432246,1,1,38412,0,8,0,0,31,NULL,0);
INSERT INTO "query" VALUES(10,1795477597432466,1,1,60762,0,9,1,0,17,NULL,0);
INSERT INTO "query" VALUES(11,1795477597432684,2,1,35728,0,1,1,1,33,1,0);
INSERT INTO "query" VALUES(12,1795477597432890,2,1,55343,0,1,1,1,26,1,0);
INSERT INTO "query" VALUES(13,1795477597433080,2,1,52424,0,2,0,0,17,NULL,0);
INSERT INTO "query" VALUES(14,1795477597433242,2,1,55427,0,10,0,0,18,NULL,0);
INSERT INTO "query" VALUES(15,1795477597433421,2,1,49541,0,11,0,0,17,NULL,0);
INSERT INTO "query" VALUES(16,1795477597433594,2,1,55998,0,12,1,1,21,4,0);
INSERT INTO "query" VALUES(17,1795477597433882,2,1,40004,0,6,0,0,16,NULL,0);
INSERT INTO "query" VALUES(18,1795477597434034,2,1,40015,0,7,1,1,18,NULL,0);
INSERT INTO "query" VALUES(19,1795477597434168,2,1,56541,0,8,0,0,17,NULL,0);
INSERT INTO "query" VALUES(20,1795477597434307,2,1,46429,0,9,1,0,13,NULL,0);
INSERT INTO "query" VALUES(21,1795477597434459,1,1,47467,0,13,0,0,3,NULL,0);
INSERT INTO "query" VALUES(22,1795477597434640,3,1,39462,0,1,1,1,27,1,0);
INSERT INTO "query" VALUES(23,1795477598496061,2,1,35275,0,1,1,2,7851,1,0);
INSERT INTO "query" VALUES(24,1795477598505696,2,1,52673,0,14,0,0,41,NULL,0);
CREATE TABLE query_count (
  query_id INTEGER PRIMARY KEY REFERENCES query,
  count INTEGER NOT NULL CHECK (count > 1)
) STRICT;
CREATE TABLE connection (
  connection_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  session_id INTEGER REFERENCES session,
  gate_id INTEGER NOT NULL REFERENCES gate,
  pid INTEGER NOT NULL,
  program_id INTEGER NOT NULL REFERENCES program,
  protocol INTEGER NOT NULL,  -- IANA protocol number
  address_id INTEGER REFERENCES address,  -- NULL: the gate refused without a destination
  port INTEGER,
  verdict INTEGER NOT NULL CHECK (verdict IN (0, 1)),
  reason INTEGER NOT NULL REFERENCES reason,
  rule_id INTEGER REFERENCES rule,
  name_id INTEGER REFERENCES name,  -- the name that the address was answered for
  query_id INTEGER REFERENCES query  -- the query whose answer held the address
) STRICT;
INSERT INTO connection VALUES(1,1795477597434872,1,1,4139,1,6,2,443,1,2,1,1,2);
INSERT INTO connection VALUES(2,1795477597435200,1,1,4139,1,6,3,443,1,2,2,3,4);
INSERT INTO connection VALUES(3,1795477597435344,1,1,4139,1,6,2,80,0,46,NULL,1,2);
INSERT INTO connection VALUES(4,1795477597435469,1,1,4139,1,6,4,443,0,44,NULL,NULL,NULL);
INSERT INTO connection VALUES(5,1795477597435582,1,1,4139,1,17,5,20053,1,3,NULL,NULL,NULL);
INSERT INTO connection VALUES(6,1795477597435813,1,1,4139,1,17,2,443,0,46,NULL,1,2);
INSERT INTO connection VALUES(7,1795477597435982,2,1,4139,1,6,6,22,1,1,6,NULL,NULL);
INSERT INTO connection VALUES(8,1795477597436137,2,1,4139,1,6,7,5432,1,2,5,5,16);
CREATE TABLE seal (
  seal_id INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,  -- when it was made; never less than the seal before, whatever the clock
  keyed INTEGER NOT NULL CHECK (keyed IN (0, 1)),  -- 0: SHA-256, 1: HMAC-SHA-256
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  checks BLOB NOT NULL,
  name_id INTEGER,
  address_id INTEGER,
  rule_id INTEGER,
  program_id INTEGER,
  gate_id INTEGER,
  policy_id INTEGER,
  record_id INTEGER,
  answer_id INTEGER,
  outcome_id INTEGER,
  session_id INTEGER,
  closing_id INTEGER,
  query_id INTEGER,
  counted_id INTEGER,
  connection_id INTEGER
) STRICT;
INSERT INTO seal VALUES(1,1795477597398262,0,X'd8cf2019887890ea3c122b0f1091c7d376d89116d28932e82dca274ba0d51cde',X'000000016ca83c7a0000000182479bd70000000108eba060',NULL,NULL,NULL,NULL,1,1,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO seal VALUES(2,1795477597399146,0,X'207f5f4009efb22d2eaa96e98c51f5bdbbf07da3882a1b5971769f3dc7037f98',X'000000016c4e332e000000015613515600000001b18496d7',NULL,NULL,NULL,NULL,2,2,NULL,NULL,NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO seal VALUES(3,1795477597400196,0,X'fd97ac0d41287dd5c9accce6f34f57aae314eb8d0a0eedfc1c132ce11805c5f2',X'00000001bffc4d1900000001e6fcff51',NULL,NULL,NULL,NULL,NULL,3,NULL,NULL,NULL,3,NULL,NULL,NULL,NULL);
INSERT INTO seal VALUES(4,1795477597416571,0,X'f96d63dc66dc85eacf7fa3fcedb6728e42a19ad1872ac0111d7d429d56715820',X'0000000136615c9e00000001652da54b000000016a09781900000002446dc6071888710300000002f28d2ea77581a6b3000000016bb9c2d50000000116571eb0',1,1,1,NULL,NULL,NULL,2,1,1,NULL,NULL,1,NULL,NULL);
INSERT INTO seal VALUES(5,1795477597417265,0,X'c1641aff710f04a03221d9d37c35970c675d7baa0acece21fe6ee788af1639d6',X'00000001a0628827',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,NULL,NULL);
INSERT INTO seal VALUES(6,1795477597417533,0,X'b907a78ece17bd41e9f35b4dfb609049d8b1d7024b78bd66c78e4526276eec05',X'0000000126c8dab900000001467960150000000197863937',2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,NULL,NULL,3,NULL,NULL);
INSERT INTO seal VALUES(7,1795477597418089,0,X'4b84732e30b5936220be1d9b7213113d23806642f1e2cfacce244ebe9f992938',X'00000001d6cd73570000000128409b5d0000000127a7706d00000001fc8ddf1f000000012750695600000001d1a60c6a',3,NULL,2,NULL,NULL,NULL,3,2,3,NULL,NULL,4,NULL,NULL);
INSERT INTO seal VALUES(8,1795477597418684,0,X'1657e134c58914c077ba84d06a80a7a751d2a39c024bede27acc7a47c778dd15',X'000000012a8e6f8c00000001e4c0ecdd000000013448a2340000000159971f26000000017b6dc41f00000001b77adfc9',4,NULL,3,NULL,NULL,NULL,4,3,4,NULL,NULL,5,NULL,NULL);
INSERT INTO seal VALUES(9,1795477597424092,0,X'9aa7be6a838fffade4634a78a5c4b1a9b438258969a41bda3199a5a218fbc355',X'0000000140b6146600000001d31e406200000001f12a1cd200000001d465935e',5,NULL,4,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,6,NULL,NULL);
INSERT INTO seal VALUES(10,1795477597424535,0,X'7b860a693e30c157020d8191830fec5fe72ea9fb80951821757bc5024221f4f9',X'000000014104d94b000000019ea16bba00000001bfb6cf2e',6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,6,NULL,NULL,7,NULL,NULL);
INSERT INTO seal VALUES(11,1795477597431956,0,X'eecc0b8a881821de9b64069cdc9732e3a4a82d5e056f629567af07bfba9daacf',X'00000001752aa6da000000017e9ec404',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,7,NULL,NULL,8,NULL,NULL);
INSERT INTO seal VALUES(12,1795477597432318,0,X'96d653335886752e9daf2849075688fe19e058f674e6276f2e2a06e3960ee17c',X'00000001af8d6c4000000001d030974f',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,8,NULL,NULL,9,NULL,NULL);
INSERT INTO seal VALUES(13,1795477597432519,0,X'9f23358dd26c935d83c01e2c05881b40a3c850c33d842c625a91663bafb262e4',X'000000013c562585000000018d065462',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,9,NULL,NULL,10,NULL,NULL);
INSERT INTO seal VALUES(14,1795477597432746,0,X'3d536a0b6a640ba0709b86925c7c983ee9da4054217769ebd928c9e1225f4d4a',X'0000000110e2121a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,11,NULL,NULL);
INSERT INTO seal VALUES(15,1795477597432945,0,X'4a906d529fafb4cfde8a119d02b33583e74dddc8c25031ee3f4439baf4bd2638',X'000000017702f89b',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,12,NULL,NULL);
INSERT INTO seal VALUES(16,1795477597433124,0,X'e814a38d5bbbfb25ef2d045ade4ea344f0670ee085bd9b58fcbf49245767e053',X'000000018f83aa9c',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,13,NULL,NULL);
INSERT INTO seal VALUES(17,1795477597433294,0,X'82a0710631f75de5433d51c37b836ec5af280c4f00b258219ecbe12cb23f6443',X'00000001ea84f235000000015e22c837',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,10,NULL,NULL,14,NULL,NULL);
INSERT INTO seal VALUES(18,1795477597433469,0,X'b7e5b253bd6d4497f0163b76ca433538d655cbcd683800d7e2cb9c9aba558be0',X'00000001967093ae00000001464d788c',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,11,NULL,NULL,15,NULL,NULL);
INSERT INTO seal VALUES(19,1795477597433683,0,X'a113cc8d244f22e457268032e1ba41f8e282e04cb308cbd89a6f213d837a19d3',X'0000000134423af3000000017259617200000001f107106f0000000122ff46f50000000142f8a760',NULL,NULL,5,NULL,NULL,NULL,5,4,12,NULL,NULL,16,NULL,NULL);
INSERT INTO seal VALUES(20,1795477597433921,0,X'c8eb4d103bb6207b8d1c9b6915684f8a1afc086c5a0897b68e189e8fde21929a',X'0000000187f0ff35',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,17,NULL,NULL);
INSERT INTO seal VALUES(21,1795477597434076,0,X'65898a89f3467cbf9e204b425ab2fab53d2b3770f44f8c527659afcc43bc1df2',X'00000001493c3fde',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,18,NULL,NULL);
INSERT INTO seal VALUES(22,1795477597434205,0,X'a10e56082db69a71ac45f41f98d43dc380db1e21a13cc872b02c9a1716034d0e',X'00000001c3bd7524',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,19,NULL,NULL);
INSERT INTO seal VALUES(23,1795477597434343,0,X'db079a8ada261b986a8fbd8be14a7c34bce3b0436516e29b77a5cce1de6e0f92',X'00000001ee7e198b',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,20,NULL,NULL);
INSERT INTO seal VALUES(24,1795477597434489,0,X'94207ccae6662ff7205e1fd5e91e7cc2cfb8ab7afe8debd65aa1df55a8c52cf5',X'000000012b3465d700000001be521a73',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,13,NULL,NULL,21,NULL,NULL);
INSERT INTO seal VALUES(25,1795477597434690,0,X'b25634831b9d54245b8690cc713363dfc3003065272edb338ed1448c0f82f025',X'0000000168f49661',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,22,NULL,NULL);
INSERT INTO seal VALUES(26,1795477597435060,0,X'6cd568e3ccc185ddd6aa712806d1bb2994c12830763bc9bf96135d0646d98f9e',X'00000001d00b24e50000000150b221b400000001b32a035f',NULL,2,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO seal VALUES(27,1795477597435239,0,X'7a741fdcbabd2e46d0674e2b2502e981e388aae85267200e2144c8916e6e668a',X'00000001c0948a2400000001e4f525fb',NULL,3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2);
INSERT INTO seal VALUES(28,1795477597435385,0,X'238d34c139a719768235db995a7930f23f296369ed76bb77cb77e07f62366045',X'00000001ff77520c',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3);
INSERT INTO seal VALUES(29,1795477597435502,0,X'728b8a60b67a87b903216493a37b5a0d0917c8d5fa06b21ee3ed56172e2d395a',X'000000015676dfa9000000012389a1d6',NULL,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4);
INSERT INTO seal VALUES(30,1795477597435610,0,X'5f17af5443562da8a0246a8be3661c9ca11c136f2655ae66bb1a54401fbe852a',X'0000000141d2f07800000001cb0a2ab8',NULL,5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,5);
INSERT INTO seal VALUES(31,1795477597435856,0,X'd729a2df8cb435e1353e2f0e3f1065f6d878440ecc29a7624fb2589a321b9d78',X'0000000167164e06',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,6);
INSERT INTO seal VALUES(32,1795477597436024,0,X'b6a74f85fc66d3220a0c9c9500bb7eb60f89f0ef896adcbeebf2ce46c334d2c9',X'00000001fe8cb62200000001338dde49000000013d787d60',NULL,6,6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,7);
INSERT INTO seal VALUES(33,1795477597436172,0,X'a60be5b596daf918cb589bacc5f0c4f6fda3babe833196cc22176eab5da5078c',X'000000018e375e03000000019faeaf3b',NULL,7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,8);
INSERT INTO seal VALUES(34,1795477597436394,0,X'bfb33c26c757b4fcad65b0d27ac37e8f1079b5eab759786fa34c5ca6572d25f3',X'0000000184f8a693',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL);
INSERT INTO seal VALUES(35,1795477597936958,0,X'8cba90e8e3ff1d0f8295d3dd9395e13a95ca9fc55ac078c024f6a6b221dd87c4',X'000000010b39b33a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,NULL,NULL,NULL);
INSERT INTO seal VALUES(36,1795477598505288,0,X'1687730610d2b8474a099d7fee885deb074c9376610ed7ca90ca5aa302aa8552',X'0000000126321d89',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,23,NULL,NULL);
INSERT INTO seal VALUES(37,1795477598505876,0,X'313d66789cb88ca010607e1446f9aa4a21ce70faf9e2e4a152e4af853272481c',X'0000000120785905000000011a4ff0cc0000000185920656',7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,14,NULL,NULL,24,NULL,NULL);
CREATE TABLE session_closing (
  closing_id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL UNIQUE REFERENCES session,
  closed_us INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;
INSERT INTO session_closing VALUES(1,3,1795477597436359,'owner-gone');
INSERT INTO session_closing VALUES(2,1,1795477597936848,'closed');
CREATE INDEX outcome_content
  ON outcome (qname_id, qtype, qclass, reason, rule_id, rcode, ede, detail);
CREATE INDEX query_denied ON query (session_id) WHERE verdict = 0;
CREATE INDEX connection_session ON connection (session_id);
CREATE INDEX connection_denied ON connection (session_id) WHERE verdict = 0;
CREATE VIEW queries AS
SELECT
  q.query_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', q.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', q.time_us % 1000000) AS time,
  q.session_id AS session,
  s.label AS label,
  iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text) || ':' || q.client_port AS client,
  iif(q.transport = 0, 'udp', 'tcp') AS transport,
  n.text AS qname,
  coalesce(t.name, 'TYPE' || o.qtype) AS qtype,
  iif(q.verdict = 1, 'allow', 'deny') AS verdict,
  r.code AS reason,
  u.text AS rule,
  coalesce(c.name, 'RCODE' || o.rcode) AS rcode,
  o.ede AS ede,
  f.name AS source,
  q.duration_us AS duration_us,
  q.answer_id AS answer_id,
  q.answer_age AS answer_age,
  o.qclass AS qclass,
  nullif(o.detail, '') AS detail,
  q.time_us AS time_us,
  coalesce(k.count, 1) AS count
FROM query AS q
JOIN outcome AS o ON o.outcome_id = q.outcome_id
JOIN address AS a ON a.address_id = q.client_id
JOIN reason AS r ON r.reason_id = o.reason
JOIN source AS f ON f.source_id = q.source
LEFT JOIN session AS s ON s.session_id = q.session_id
LEFT JOIN name AS n ON n.name_id = o.qname_id
LEFT JOIN rrtype AS t ON t.code = o.qtype
LEFT JOIN rule AS u ON u.rule_id = o.rule_id
LEFT JOIN rcode AS c ON c.code = o.rcode
LEFT JOIN query_count AS k ON k.query_id = q.query_id;
CREATE VIEW answers AS
SELECT
  ar.answer_id AS answer_id,
  ar.position AS position,
  n.text AS owner,
  coalesce(t.name, 'TYPE' || r.type) AS type,
  ar.ttl AS ttl,
  r.data AS data
FROM answer_record AS ar
JOIN record AS r ON r.record_id = ar.record_id
JOIN name AS n ON n.name_id = r.owner_id
LEFT JOIN rrtype AS t ON t.code = r.type;
CREATE VIEW connections AS
SELECT
  c.connection_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', c.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.time_us % 1000000) AS time,
  c.session_id AS session,
  s.label AS label,
  g.text AS gate,
  c.pid AS pid,
  p.text AS process,
  CASE c.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(c.protocol AS TEXT) END
    AS protocol,
  a.text AS address,
  c.port AS port,
  iif(c.verdict = 1, 'allow', 'deny') AS verdict,
  r.code AS reason,
  u.text AS rule,
  n.text AS name,
  c.query_id AS query_id,
  c.time_us AS time_us
FROM connection AS c
JOIN gate AS g ON g.gate_id = c.gate_id
JOIN program AS p ON p.program_id = c.program_id
JOIN reason AS r ON r.reason_id = c.reason
LEFT JOIN session AS s ON s.session_id = c.session_id
LEFT JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN rule AS u ON u.rule_id = c.rule_id
LEFT JOIN name AS n ON n.name_id = c.name_id;
CREATE VIEW denials AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', q.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', q.time_us % 1000000) AS time,
  q.session_id AS session,
  s.label AS label,
  'query' AS kind,
  coalesce(n.text, '(unreadable question)') AS what,
  r.code AS reason,
  CASE
    -- what cannot be written as a rule, and reverse look-ups, which no rule is about
    WHEN n.text IS NULL OR n.text GLOB '*[^a-z0-9._-]*' OR n.text = '.'
      OR n.text = 'arpa' OR n.text GLOB '*.arpa' THEN NULL
    -- records other than addresses are opened by type (common/record_type.h)
    WHEN r.code IN ('not-allowed', 'ancestor', 'type-not-allowed')
      AND o.qtype NOT IN (0, 1, 28, 41, 64, 65) AND o.qtype NOT BETWEEN 128 AND 255
      THEN n.text || '/' || coalesce(t.name, 'TYPE' || o.qtype)
    WHEN r.code IN ('not-allowed', 'ancestor') THEN n.text || ':443'
    -- the ports of the rule that allowed the name
    WHEN r.code = 'rebinding'
      THEN 'allow-private ' || n.text || coalesce(substr(u.text, instr(u.text, ':')), ':443')
  END AS remedy,
  coalesce(t.name, 'TYPE' || o.qtype) AS qtype,
  NULL AS process,
  nullif(o.detail, '') AS detail,
  q.query_id AS id,
  q.time_us AS time_us
FROM query AS q
JOIN outcome AS o ON o.outcome_id = q.outcome_id
JOIN reason AS r ON r.reason_id = o.reason
LEFT JOIN session AS s ON s.session_id = q.session_id
LEFT JOIN name AS n ON n.name_id = o.qname_id
LEFT JOIN rrtype AS t ON t.code = o.qtype
LEFT JOIN rule AS u ON u.rule_id = o.rule_id
WHERE q.verdict = 0 AND r.alarm = 1
UNION ALL
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', c.time_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.time_us % 1000000),
  c.session_id,
  s.label,
  'connection',
  coalesce(
    iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text)
      || iif(c.port > 0, ':' || c.port, '')
      || CASE c.protocol WHEN 6 THEN '' WHEN 17 THEN '/udp' ELSE '/' || c.protocol END,
    '(no destination)'),
  r.code,
  CASE
    WHEN a.text IS NULL OR c.port IS NULL OR c.port = 0 OR c.protocol NOT IN (6, 17) THEN NULL
    -- an expired lease is not for want of a rule for the name: only one for the address would do
    WHEN r.code IN ('not-allowed', 'no-lease', 'lease-expired', 'port-not-allowed')
      THEN iif(n.text IS NULL OR n.text GLOB '*[^a-z0-9._-]*' OR r.code = 'lease-expired',
               iif(instr(a.text, ':') > 0, '[' || a.text || ']', a.text), n.text)
        || ':' || c.port || iif(c.protocol = 17, '/udp', '')
  END,
  NULL,
  p.text,
  NULL,
  c.connection_id,
  c.time_us
FROM connection AS c
JOIN reason AS r ON r.reason_id = c.reason
JOIN program AS p ON p.program_id = c.program_id
LEFT JOIN session AS s ON s.session_id = c.session_id
LEFT JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN name AS n ON n.name_id = c.name_id
WHERE c.verdict = 0 AND r.alarm = 1
;
CREATE VIEW destinations AS
SELECT
  c.session_id AS session,
  n.text AS name,
  a.text AS address,
  c.port AS port,
  CASE c.protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' ELSE CAST(c.protocol AS TEXT) END
    AS protocol,
  strftime('%Y-%m-%dT%H:%M:%S', min(c.time_us) / 1000000, 'unixepoch')
    || printf('.%06dZ', min(c.time_us) % 1000000) AS first,
  strftime('%Y-%m-%dT%H:%M:%S', max(c.time_us) / 1000000, 'unixepoch')
    || printf('.%06dZ', max(c.time_us) % 1000000) AS last,
  count(*) AS attempts,
  max(c.time_us) AS last_us
FROM connection AS c
JOIN reason AS r ON r.reason_id = c.reason
JOIN address AS a ON a.address_id = c.address_id
LEFT JOIN name AS n ON n.name_id = c.name_id
WHERE c.verdict = 1 AND r.code <> 'nameserver'
GROUP BY c.session_id, c.name_id, c.address_id, c.port, c.protocol;
CREATE INDEX seal_session ON seal (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX seal_closing ON seal (closing_id) WHERE closing_id IS NOT NULL;
CREATE VIEW sessions AS
SELECT
  s.session_id AS session,
  s.label AS label,
  g.text AS gate,
  strftime('%Y-%m-%dT%H:%M:%S', s.opened_us / 1000000, 'unixepoch')
    || printf('.%06dZ', s.opened_us % 1000000) AS opened,
  strftime('%Y-%m-%dT%H:%M:%S', c.closed_us / 1000000, 'unixepoch')
    || printf('.%06dZ', c.closed_us % 1000000) AS closed,
  p.text AS policy,
  c.why AS close_reason,
  s.listen AS listen,
  s.client AS client,
  s.opened_us AS opened_us,
  c.closed_us AS closed_us,
  s.owned AS owned
FROM session AS s
JOIN gate AS g ON g.gate_id = s.gate_id
JOIN policy AS p ON p.policy_id = s.policy_id
LEFT JOIN session_closing AS c ON c.session_id = s.session_id;
COMMIT;
PRAGMA application_id = 1313295431;
PRAGMA user_version = 2;
