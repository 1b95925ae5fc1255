#include "tests/support/dns_packet.h"

#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace namegate::testing {
namespace {

std::string TakeText(char* text) {
  const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
  std::string words = text == nullptr ? "" : text;
  for (char& character : words) {
    if (character == '\t') character = ' ';
  }
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  return words;
}

std::vector<std::string> RecordTexts(const ldns_rr_list* records) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    texts.push_back(RecordText(ldns_rr_list_rr(records, i)));
  }
  return texts;
}

// The first Extended DNS Error among the options of the OPT record (RFC 6891 §6.1.2: pairs of code
// and length, then the octets).
void ReadEde(const ldns_pkt* packet, Reply& reply) {
  constexpr size_t kOptionHeader = 4;
  constexpr uint16_t kEdeOption = 15;
  const ldns_rdf* data = ldns_pkt_edns_data(packet);
  if (data == nullptr) return;
  const uint8_t* octets = ldns_rdf_data(data);
  const size_t size = ldns_rdf_size(data);
  for (size_t at = 0; at + kOptionHeader <= size;) {
    const uint16_t code = ldns_read_uint16(octets + at);
    const size_t length = ldns_read_uint16(octets + at + 2);
    at += kOptionHeader;
    if (at + length > size) return;
    if (code == kEdeOption && length >= 2) {
      reply.ede = ldns_read_uint16(octets + at);
      reply.ede_text.assign(reinterpret_cast<const char*>(octets + at + 2), length - 2);
      return;
    }
    at += length;
  }
}

std::string RcodeText(const ldns_pkt* packet) {
  const unsigned rcode = ldns_pkt_get_rcode(packet);
  const unsigned extended = ldns_pkt_edns_extended_rcode(packet);
  if (extended != 0) return std::to_string(extended * 16 + rcode);
  return TakeText(ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet)));
}

}  // namespace

std::string RecordText(const ldns_rr* record) { return TakeText(ldns_rr2str(record)); }

Packet ParsePacket(const Bytes& bytes) {
  ldns_pkt* packet = nullptr;
  if (ldns_wire2pkt(&packet, bytes.data(), bytes.size()) != LDNS_STATUS_OK) return nullptr;
  return Packet(packet);
}

Bytes PacketBytes(const ldns_pkt* packet) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  if (ldns_pkt2wire(&wire, packet, &size) != LDNS_STATUS_OK) {
    throw std::runtime_error("ldns cannot write a packet");
  }
  const std::unique_ptr<uint8_t, decltype(&std::free)> owned(wire, &std::free);
  return {wire, wire + size};
}

Bytes MakeQuery(const std::string& name, const std::string& type, const QueryOptions& options) {
  ldns_rdf* qname = ldns_dname_new_frm_str(name.c_str());
  const ldns_rr_type qtype = ldns_get_rr_type_by_name(type.c_str());
  const ldns_rr_class qclass = ldns_get_rr_class_by_name(options.dns_class.c_str());
  if (qname == nullptr || qtype == 0 || qclass == 0) {
    ldns_rdf_deep_free(qname);
    throw std::runtime_error("no such question: " + name + " " + type);
  }
  const Packet packet(ldns_pkt_query_new(qname, qtype, qclass, LDNS_RD));
  ldns_pkt_set_id(packet.get(), options.id);
  if (options.udp_payload != 0) ldns_pkt_set_edns_udp_size(packet.get(), options.udp_payload);
  return PacketBytes(packet.get());
}

std::optional<Reply> ReadReply(const Bytes& bytes) {
  const Packet packet = ParsePacket(bytes);
  if (!packet) return std::nullopt;
  Reply reply;
  reply.raw = bytes;
  reply.id = ldns_pkt_id(packet.get());
  reply.rcode = RcodeText(packet.get());
  reply.authoritative = ldns_pkt_aa(packet.get());
  reply.truncated = ldns_pkt_tc(packet.get());
  reply.recursion_available = ldns_pkt_ra(packet.get());
  const ldns_rr_list* questions = ldns_pkt_question(packet.get());
  if (ldns_rr_list_rr_count(questions) > 0) {
    reply.question = RecordText(ldns_rr_list_rr(questions, 0));
  }
  reply.answers = RecordTexts(ldns_pkt_answer(packet.get()));
  reply.authority = RecordTexts(ldns_pkt_authority(packet.get()));
  reply.edns = ldns_pkt_edns(packet.get());
  reply.udp_payload = ldns_pkt_edns_udp_size(packet.get());
  ReadEde(packet.get(), reply);
  return reply;
}

std::vector<std::string> Reply::data() const {
  std::vector<std::string> values;
  for (const std::string& answer : answers) {
    std::istringstream words(answer);
    std::string owner, ttl, dns_class, type, rest;
    words >> owner >> ttl >> dns_class >> type >> std::ws;
    std::getline(words, rest);
    values.push_back(rest);
  }
  return values;
}

int64_t Reply::ttl() const {
  if (answers.empty()) return -1;
  std::istringstream words(answers.front());
  std::string owner;
  int64_t ttl = -1;
  words >> owner >> ttl;
  return ttl;
}

}  // namespace namegate::testing
