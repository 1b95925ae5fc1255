#include <catch2/catch.hpp>
#include <set>

#include "common/control_protocol.h"
#include "common/endpoint.h"
#include "common/escape.h"
#include "common/iso_time.h"
#include "common/ledger_seal.h"
#include "common/random.h"
#include "common/reason.h"
#include "common/sha256.h"
#include "common/upstream_address.h"

namespace namegate {
namespace {

TEST_CASE("Hashes are those of the examples in FIPS 180-4 and RFC 4231") {
  CHECK(SealText(Sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(SealText(Sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(SealText(HmacSha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("An IPv4-mapped address is the IPv4 address") {
  CHECK(IpAddress::FromText("::ffff:192.0.2.7") == IpAddress::V4(192, 0, 2, 7));
  CHECK_FALSE(IpAddress::FromText("::192.0.2.7") == IpAddress::V4(192, 0, 2, 7));
}

TEST_CASE("Times are given in UTC with microseconds, whatever somebody put into a ledger") {
  CHECK(IsoTime(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(IsoTime(1'795'464'665'000'042) == "2026-11-23T20:11:05.000042Z");
  CHECK(IsoTime(-1) == "1969-12-31T23:59:59.999999Z");
  CHECK_THAT(IsoTime(INT64_MAX), Catch::EndsWith("07Z"));
  CHECK_THAT(IsoTime(INT64_MIN), Catch::EndsWith("Z"));
}

TEST_CASE("Only whole numeric addresses are read") {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "0x7f.1.1.1", "fe80::1%eth0", "[::1]"}) {
    INFO(text);
    CHECK_FALSE(IpAddress::FromText(text));
  }
  CHECK_FALSE(IpAddress::FromText(std::string_view("1.2.3.4\0x", 9)));
}

TEST_CASE("A prefix contains exactly its range") {
  const auto prefix = IpPrefix::FromText("100.64.0.0/10").value();
  CHECK(prefix.Contains(IpAddress::V4(100, 64, 0, 0)));
  CHECK(prefix.Contains(IpAddress::V4(100, 127, 255, 255)));
  CHECK_FALSE(prefix.Contains(IpAddress::V4(100, 128, 0, 0)));
  CHECK_FALSE(prefix.Contains(IpAddress::V4(100, 63, 255, 255)));
  CHECK(IpPrefix::FromText("0.0.0.0/0")->Contains(IpAddress::V4(1, 2, 3, 4)));
  CHECK_FALSE(IpPrefix::FromText("0.0.0.0/0")->Contains(IpAddress::FromText("::1").value()));
}

TEST_CASE("A prefix with host bits or a bad length is refused") {
  for (const char* text : {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "::/129"}) {
    INFO(text);
    CHECK_FALSE(IpPrefix::FromText(text));
  }
}

TEST_CASE("Endpoints read and print both families") {
  CHECK(Endpoint::FromText("192.0.2.7:53")->ToText() == "192.0.2.7:53");
  CHECK(Endpoint::FromText("[2001:db8::1]:53")->ToText() == "[2001:db8::1]:53");
  CHECK(Endpoint::FromText("2001:db8::1", uint16_t{53})->ToText() == "[2001:db8::1]:53");
  CHECK_FALSE(Endpoint::FromText("192.0.2.7"));
  CHECK_FALSE(Endpoint::FromText("[2001:db8::1]53", uint16_t{53}));
  CHECK_FALSE(Endpoint::FromText("192.0.2.7:0"));
}

TEST_CASE("Upstreams are plain or over TLS, their ports and names as given or by default") {
  const auto round = [](const char* text) {
    const auto upstream = UpstreamAddress::FromText(text);
    return upstream ? upstream->ToText() : "";
  };
  CHECK(round("192.0.2.53") == "192.0.2.53:53");
  CHECK(round("[2001:db8::53]:5353") == "[2001:db8::53]:5353");
  CHECK(round("tls://192.0.2.53") == "tls://192.0.2.53:853");
  CHECK(round("tls://192.0.2.53:8853@DNS.example.org") == "tls://192.0.2.53:8853@dns.example.org");
  CHECK(round("tls://2001:db8::53@dns.example.org") == "tls://[2001:db8::53]:853@dns.example.org");
  for (const char* text : {"", "dns.example.org", "tls://", "tls://dns.example.org", "192.0.2.53@x",
                           "tls://192.0.2.53@", "tls://192.0.2.53@b c", "https://192.0.2.53"}) {
    INFO(text);
    CHECK(round(text).empty());
  }
}

TEST_CASE("Text of an attacker's choice is printed without its control characters") {
  CHECK(Printable("plain text") == "plain text");
  CHECK(Printable("\x1b[2J\n\x7f\xff\\") == "\\x1b[2J\\x0a\\x7f\\xff\\\\");
}

TEST_CASE("Every reason has a code of its own") {
  std::set<std::string_view> codes;
  for (const Reason reason : AllReasons()) codes.insert(ReasonCode(reason));
  CHECK(codes.size() == AllReasons().size());
  CHECK_FALSE(codes.contains("unknown"));
}

TEST_CASE("Random tokens have the length asked for and differ") {
  CHECK(RandomHex(10).size() == 20);
  CHECK(RandomHex(10) != RandomHex(10));
}

TEST_CASE("A stream of control messages is cut into lines, however it arrives") {
  LineSplitter lines;
  CHECK(lines.Append("{\"a\""));
  CHECK_FALSE(lines.Next());
  CHECK(lines.Append(":1}\n{}\n{"));
  CHECK(lines.Next() == "{\"a\":1}");
  CHECK(lines.Next() == "{}");
  CHECK_FALSE(lines.Next());
  CHECK_FALSE(lines.Append(std::string(kMaxControlLine, 'x')));
}

}  // namespace
}  // namespace namegate
