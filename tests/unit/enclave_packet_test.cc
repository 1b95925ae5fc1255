// Packets from the sandbox, which may write whatever it likes.

#include <catch2/catch.hpp>

#include "gate/enclave/packet.h"
#include "tests/support/octets.h"

namespace namegate::enclave {
namespace {

using namespace std::literals;
using testing::AsOctets;

Packet Octets(std::string_view text) {
  const auto octets = AsOctets(text);
  return {octets.begin(), octets.end()};
}

// 10.64.0.2:4660 to 192.0.2.7:443.
Packet Syn4() {
  return Octets(
      "\x45\x00\x00\x28\x12\x34\x40\x00\x40\x06\x00\x00\x0a\x40\x00\x02\xc0\x00\x02\x07"
      "\x12\x34\x01\xbb\x01\x02\x03\x04\x00\x00\x00\x00\x50\x02\xff\xff\xde\xad\x00\x00"sv);
}

// The same over IPv6, to 2001:db8::7.
Packet Syn6() {
  return Octets(
      "\x60\x00\x00\x00\x00\x14\x06\x40"
      "\xfd\x4e\x61\x74\x65\x67\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
      "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
      "\x12\x34\x01\xbb\x01\x02\x03\x04\x00\x00\x00\x00\x50\x02\xff\xff\xde\xad\x00\x00"sv);
}

// The one's complement sum of a whole segment with its pseudo-header is all ones if it is intact.
uint32_t Sum(std::span<const uint8_t> octets, uint32_t sum) {
  for (size_t i = 0; i < octets.size(); ++i) {
    sum += i % 2 == 0 ? static_cast<uint32_t>(octets[i]) << 8 : octets[i];
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

bool HasTrueChecksum(std::span<const uint8_t> packet, uint32_t protocol) {
  const bool v4 = packet[0] >> 4 == 4;
  const auto addresses = v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
  const auto segment = packet.subspan(v4 ? 20 : 40);
  const uint32_t pseudo = protocol + static_cast<uint32_t>(segment.size());
  return Sum(segment, Sum(addresses, pseudo)) == 0xffff;
}

TEST_CASE("A bare SYN is read, over IPv4 and IPv6") {
  const auto v4 = ParseSyn(Syn4());
  REQUIRE(v4);
  CHECK(v4->source.ToText() == "10.64.0.2:4660");
  CHECK(v4->destination.ToText() == "192.0.2.7:443");
  CHECK(v4->sequence == 0x01020304);
  const auto v6 = ParseSyn(Syn6());
  REQUIRE(v6);
  CHECK(v6->destination.ToText() == "[2001:db8::7]:443");
}

TEST_CASE("No part of a SYN is a SYN") {
  for (const Packet& whole : {Syn4(), Syn6()}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(ParseSyn(std::span(whole).first(size)));
    }
  }
}

// The same SYN with `options` in its IPv4 header.
Packet WithOptions(std::string_view options) {
  Packet packet = Syn4();
  const Packet octets = Octets(options);
  packet.insert(packet.begin() + 20, octets.begin(), octets.end());
  packet[0] = static_cast<uint8_t>(0x45 + octets.size() / 4);
  packet[3] = static_cast<uint8_t>(packet.size());
  return packet;
}

// The same SYN behind an extension header.
Packet Behind(uint8_t kind, std::string_view header) {
  Packet packet = Syn6();
  const Packet octets = Octets(header);
  packet.insert(packet.begin() + 40, octets.begin(), octets.end());
  packet[6] = kind;
  packet[5] = static_cast<uint8_t>(packet.size() - 40);
  return packet;
}

TEST_CASE("A SYN in an odd form is one that can be refused, and no more") {
  CHECK(ParseSyn(Syn4())->plain);
  CHECK(ParseSyn(Syn6())->plain);
  Packet fragment = Syn4();
  fragment[6] = 0x20;
  const auto route = "\x83\x07\x04\xc0\x00\x02\x09\x00"sv;
  const auto routing =
      "\x06\x02\x02\x01\x00\x00\x00\x00"
      "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"sv;
  const std::pair<Packet, std::string> odd[] = {
      {fragment, "192.0.2.7:443"},
      {WithOptions("\x01\x01\x01\x00"sv), "192.0.2.7:443"},
      {WithOptions(route), "192.0.2.9:443"},
      {Behind(0, "\x06\x00\x01\x04\x00\x00\x00\x00"sv), "[2001:db8::7]:443"},
      {Behind(44, "\x06\x00\x00\x01\x00\x00\x00\x07"sv), "[2001:db8::7]:443"},
      {Behind(43, routing), "[2001:db8::9]:443"},
  };
  for (const auto& [packet, destination] : odd) {
    const auto syn = ParseSyn(packet);
    CAPTURE(destination);
    REQUIRE(syn);
    CHECK_FALSE(syn->plain);
    CHECK(syn->destination.ToText() == destination);
  }
}

TEST_CASE("Options and extension headers that do not fit are nothing, or no route") {
  CHECK(ParseSyn(WithOptions("\x83\x0b\x04\xc0"sv))->destination.ToText() == "192.0.2.7:443");
  CHECK(ParseSyn(WithOptions("\x83\x00\x04\xc0"sv))->destination.ToText() == "192.0.2.7:443");
  CHECK_FALSE(ParseSyn(Behind(0, "\x06\xff\x01\x04\x00\x00\x00\x00"sv)));
  CHECK_FALSE(ParseSyn(Behind(44, "\x06\x00\x00\x08\x00\x00\x00\x07"sv)));  // a later fragment
  std::string nested;
  for (int i = 0; i < 9; ++i) nested += "\x00\x00\x01\x04\x00\x00\x00\x00"sv;
  CHECK_FALSE(ParseSyn(Behind(0, nested)));
}

TEST_CASE("What is not a SYN is nothing") {
  const auto changed = [](size_t at, uint8_t value, Packet packet = Syn4()) {
    packet[at] = value;
    return ParseSyn(packet).has_value();
  };
  REQUIRE(changed(33, 0x02));
  CHECK_FALSE(changed(33, 0x12));         // SYN and ACK
  CHECK_FALSE(changed(33, 0x06));         // SYN and RST
  CHECK_FALSE(changed(33, 0x03));         // SYN and FIN
  CHECK_FALSE(changed(33, 0x10));         // ACK
  CHECK_FALSE(changed(0, 0x44));          // a header shorter than there is
  CHECK_FALSE(changed(0, 0x55));          // IP version 5
  CHECK_FALSE(changed(7, 0x01));          // a later fragment
  CHECK_FALSE(changed(3, 0x29));          // longer than it is
  CHECK_FALSE(changed(9, 17));            // UDP
  CHECK_FALSE(changed(32, 0x40));         // a TCP header shorter than there is
  CHECK_FALSE(changed(32, 0xf0));         // a TCP header beyond the end
  CHECK_FALSE(changed(6, 51, Syn6()));    // an authentication header
  CHECK_FALSE(changed(5, 0xff, Syn6()));  // longer than it is
}

TEST_CASE("Port 0 is a destination, to be refused; IPv4 in IPv6 clothes is none") {
  Packet zero = Syn4();
  zero[22] = zero[23] = 0;
  CHECK(ParseSyn(zero)->destination.ToText() == "192.0.2.7:0");
  Packet mapped = Syn6();
  std::fill(mapped.begin() + 24, mapped.begin() + 34, uint8_t{0});
  mapped[34] = mapped[35] = 0xff;
  CHECK_FALSE(ParseSyn(mapped));
}

TEST_CASE("A checksum left to the hardware is computed") {
  CHECK_FALSE(HasTrueChecksum(Syn4(), 6));
  CHECK(HasTrueChecksum(WithChecksum(Syn4()), 6));
  CHECK(HasTrueChecksum(WithChecksum(Syn6()), 6));
}

TEST_CASE("A reset answers the SYN that it is for") {
  for (const Packet& syn : {Syn4(), Syn6()}) {
    const Packet reset = MakeReset(*ParseSyn(syn));
    CHECK(HasTrueChecksum(reset, 6));
    const auto tcp = std::span(reset).last(20);
    CHECK(tcp[13] == 0x14);  // RST, ACK
    CHECK((tcp[0] == 0x01 && tcp[1] == 0xbb && tcp[2] == 0x12 && tcp[3] == 0x34));
    CHECK((tcp[8] == 1 && tcp[9] == 2 && tcp[10] == 3 && tcp[11] == 5));
  }
}

TEST_CASE("An unreachable destination says which, and quotes what could not be delivered") {
  const Packet v4 = MakeUnreachable(Syn4(), Unreachable::kHost);
  REQUIRE(v4.size() == 20 + 8 + 28);
  CHECK((v4[20] == 3 && v4[21] == 1));
  CHECK(Sum(std::span(v4).subspan(20), 0) == 0xffff);
  CHECK(std::equal(v4.begin() + 28, v4.end(), Syn4().begin()));
  CHECK((v4[12] == 192 && v4[16] == 10));
  const Packet v6 = MakeUnreachable(Syn6(), Unreachable::kPort);
  CHECK((v6[40] == 1 && v6[41] == 4));
  CHECK(HasTrueChecksum(v6, 58));
  CHECK(MakeUnreachable(std::span<const uint8_t>(Syn4()).first(27), Unreachable::kPort).empty());
}

TEST_CASE("A datagram is read with what its own length covers") {
  const auto datagram = Octets(
      "\x45\x00\x00\x20\x12\x34\x00\x00\x40\x11\x00\x00\x0a\x40\x00\x02\xc0\x00\x02\x07"
      "\x12\x34\x00\x35\x00\x0a\x00\x00hixx"sv);
  const auto read = ParseDatagram(datagram);
  REQUIRE(read);
  CHECK(read->destination.ToText() == "192.0.2.7:53");
  CHECK(std::string(read->payload->begin(), read->payload->end()) == "hi");
  for (const uint8_t length : {uint8_t{7}, uint8_t{13}, uint8_t{0}}) {
    Packet bad = datagram;
    bad[25] = length;
    CHECK_FALSE(ParseDatagram(bad));
  }
}

TEST_CASE("The first fragment of a datagram tells whose it is, and no payload") {
  const auto fragment = Octets(
      "\x45\x00\x00\x20\x12\x34\x20\x00\x40\x11\x00\x00\x0a\x40\x00\x02\xc0\x00\x02\x07"
      "\x12\x34\x00\x35\x0f\xa8\x00\x00hixx"sv);
  const auto read = ParseDatagram(fragment);
  REQUIRE(read);
  CHECK(read->destination.ToText() == "192.0.2.7:53");
  CHECK_FALSE(read->payload);
}

}  // namespace
}  // namespace namegate::enclave
