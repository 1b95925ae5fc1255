#include <catch2/catch.hpp>

#include "resolver/dns.h"
#include "resolver/rebinding_guard.h"
#include "resolver/special_names.h"
#include "tests/support/parsed.h"

namespace namegate::resolver {
namespace {

using testing::Name;

bool Suspect(const char* text) { return RebindingGuard().IsSuspect(*IpAddress::FromText(text)); }

TEST_CASE("Addresses near the client are suspect, up to the edge of each range") {
  for (const char* text :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",       "10.255.255.255",
        "100.64.0.0",      "100.127.255.255", "127.0.0.1",      "127.255.255.255",
        "169.254.169.254", "172.16.0.0",      "172.31.255.255", "192.0.0.0",
        "192.168.0.1",     "198.18.0.0",      "198.19.255.255", "224.0.0.1",
        "240.0.0.0",       "255.255.255.255", "168.63.129.16",  "100.100.100.200"}) {
    INFO(text);
    CHECK(Suspect(text));
  }
}

TEST_CASE("Public addresses are not suspect, nor are the documentation ranges") {
  for (const char* text :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
        "172.32.0.0", "192.0.1.0", "192.0.2.7", "198.51.100.7", "203.0.113.7", "198.17.255.255",
        "198.20.0.0", "223.255.255.255", "168.63.129.15", "2606:4700::1111", "2a00::1"}) {
    INFO(text);
    CHECK_FALSE(Suspect(text));
  }
}

TEST_CASE("IPv6 outside global unicast is suspect, and so is what hides in it") {
  for (const char* text :
       {"::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001::1", "2001:1ff::1",
        "2001:db8::1", "2002:7f00:1::", "3fff::1", "4000::1", "64:ff9b:1::1", "::127.0.0.1"}) {
    INFO(text);
    CHECK(Suspect(text));
  }
}

TEST_CASE("The IPv4 address inside an IPv6 address is judged") {
  CHECK(Suspect("::ffff:127.0.0.1"));
  CHECK_FALSE(Suspect("::ffff:192.0.2.7"));
  CHECK(Suspect("64:ff9b::127.0.0.1"));
  CHECK(Suspect("64:ff9b::169.254.169.254"));
  CHECK_FALSE(Suspect("64:ff9b::192.0.2.7"));
}

TEST_CASE("The operator's own ranges are suspect as well") {
  RebindingGuard guard({*IpPrefix::FromText("203.0.113.0/24"), *IpPrefix::FromText("2a00:1::/32")});
  CHECK(guard.IsSuspect(IpAddress::V4(203, 0, 113, 7)));
  CHECK(guard.IsSuspect(*IpAddress::FromText("2a00:1::7")));
  CHECK_FALSE(guard.IsSuspect(IpAddress::V4(203, 0, 112, 7)));
}

TEST_CASE("The operator's ranges and the host's addresses are found behind NAT64 too") {
  const RebindingGuard guard(
      {*IpPrefix::FromText("203.0.113.0/24"), *IpPrefix::FromText("64:ff9b::198.51.100.0/120")});
  CHECK(guard.IsSuspect(*IpAddress::FromText("64:ff9b::203.0.113.7")));
  CHECK(guard.IsSuspect(*IpAddress::FromText("64:ff9b::198.51.100.7")));
  CHECK_FALSE(guard.IsSuspect(*IpAddress::FromText("64:ff9b::203.0.112.7")));
}

TEST_CASE("localhost and everything below it is answered here") {
  const auto v4 = AnswerSpecialName(Name("localhost"), rrtype::kA);
  REQUIRE(v4);
  REQUIRE(v4->records.size() == 1);
  CHECK(v4->records[0].rdata == std::string("\x7f\0\0\x01", 4));
  CHECK(AnswerSpecialName(Name("a.localhost"), rrtype::kAaaa)->records[0].rdata.back() == 1);
  CHECK(AnswerSpecialName(Name("localhost"), rrtype::kTxt)->exists);
  CHECK(AnswerSpecialName(Name("localhost"), rrtype::kTxt)->records.empty());
}

TEST_CASE("Names that must never leave the host do not exist") {
  for (const char* name : {"invalid", "x.invalid", "x.onion", "alt", "resolver.arpa",
                           "_dns.resolver.arpa", "use-application-dns.net"}) {
    INFO(name);
    const auto answer = AnswerSpecialName(Name(name), rrtype::kA);
    REQUIRE(answer);
    CHECK_FALSE(answer->exists);
  }
}

TEST_CASE("Other names are not special") {
  for (const char* name : {"notlocalhost", "localhost.example.org", "onion.example.org",
                           "db.internal", "printer.local", "a.test", "."}) {
    INFO(name);
    CHECK_FALSE(AnswerSpecialName(Name(name), rrtype::kA));
  }
}

TEST_CASE("Reverse names give the address that they stand for") {
  CHECK(ReverseAddress(Name("7.2.0.192.in-addr.arpa")) == IpAddress::V4(192, 0, 2, 7));
  CHECK(ReverseAddress(
            Name("7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")) ==
        IpAddress::FromText("2001:db8::7"));
}

TEST_CASE("Reverse names that are not whole, or not in the one right form, give none") {
  for (const char* name : {"2.0.192.in-addr.arpa", "1.7.2.0.192.in-addr.arpa",
                           "256.2.0.192.in-addr.arpa", "07.2.0.192.in-addr.arpa",
                           "x.2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa", "in-addr.arpa"}) {
    INFO(name);
    CHECK(IsReverseName(Name(name)));
    CHECK_FALSE(ReverseAddress(Name(name)));
  }
  CHECK_FALSE(IsReverseName(Name("in-addr.arpa.example.org")));
}

}  // namespace
}  // namespace namegate::resolver
