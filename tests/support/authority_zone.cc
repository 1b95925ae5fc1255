#include "tests/support/authority_zone.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace namegate::testing {
namespace {

constexpr size_t kMaxChain = 32;       // CNAMEs that one answer follows
constexpr size_t kPlainPayload = 512;  // without EDNS (RFC 1035 §4.2.1)

ldns_rr* ParseRecord(const std::string& line) {
  ldns_rr* record = nullptr;
  if (ldns_rr_new_frm_str(&record, line.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK) {
    throw std::runtime_error("not a record: " + line);
  }
  return record;
}

// The authority says that it is the authority for the whole tree: one SOA serves every denial.
ldns_rr* DenialSoa() { return ParseRecord(". 60 IN SOA ns.invalid. root.invalid. 1 60 60 60 60"); }

ldns_pkt* NewResponse(const ldns_pkt* query) {
  ldns_pkt* response = ldns_pkt_new();
  ldns_pkt_set_id(response, ldns_pkt_id(query));
  ldns_pkt_set_qr(response, true);
  ldns_pkt_set_aa(response, true);
  ldns_pkt_set_rd(response, ldns_pkt_rd(query));
  const ldns_rr_list* questions = ldns_pkt_question(query);
  for (size_t i = 0; i < ldns_rr_list_rr_count(questions); ++i) {
    ldns_pkt_push_rr(response, LDNS_SECTION_QUESTION, ldns_rr_clone(ldns_rr_list_rr(questions, i)));
  }
  if (ldns_pkt_edns(query)) ldns_pkt_set_edns_udp_size(response, 1232);
  return response;
}

size_t Payload(const ldns_pkt* query) {
  if (!ldns_pkt_edns(query)) return kPlainPayload;
  return std::max(kPlainPayload, size_t{ldns_pkt_edns_udp_size(query)});
}

}  // namespace

std::string NameText(const ldns_rdf* name) {
  const std::unique_ptr<char, decltype(&std::free)> owned(ldns_rdf2str(name), &std::free);
  std::string text = owned ? owned.get() : "";
  if (text.size() > 1 && text.back() == '.') text.pop_back();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

AuthorityZone::AuthorityZone(std::string_view records) {
  std::istringstream lines{std::string(records)};
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.empty() && line.front() != ';') records_.emplace_back(ParseRecord(line));
  }
}

bool AuthorityZone::HasName(const ldns_rdf* name) const {
  return std::any_of(records_.begin(), records_.end(), [name](const Record& record) {
    const ldns_rdf* owner = ldns_rr_owner(record.get());
    return ldns_dname_compare(owner, name) == 0 || ldns_dname_is_subdomain(owner, name);
  });
}

const ldns_rdf* AuthorityZone::PushRecords(ldns_pkt* response, const ldns_rdf* owner,
                                           ldns_rr_type type) const {
  const ldns_rdf* alias = nullptr;
  for (const Record& record : records_) {
    if (ldns_dname_compare(ldns_rr_owner(record.get()), owner) != 0) continue;
    const ldns_rr_type has = ldns_rr_get_type(record.get());
    if (has != type && has != LDNS_RR_TYPE_CNAME) continue;
    ldns_rr* answer = ldns_rr_clone(record.get());
    // The owner as it was asked, so that compression does not bring back the case of the record.
    ldns_rdf_deep_free(ldns_rr_owner(answer));
    ldns_rr_set_owner(answer, ldns_rdf_clone(owner));
    ldns_pkt_push_rr(response, LDNS_SECTION_ANSWER, answer);
    if (has == LDNS_RR_TYPE_CNAME && type != has) alias = ldns_rr_rdf(record.get(), 0);
  }
  return alias;
}

Bytes AuthorityZone::Answer(const ldns_pkt* query, bool tcp) const {
  const Packet response(NewResponse(query));
  const ldns_rr_list* questions = ldns_pkt_question(query);
  if (ldns_rr_list_rr_count(questions) != 1) {
    ldns_pkt_set_rcode(response.get(), LDNS_RCODE_FORMERR);
    return PacketBytes(response.get());
  }
  const ldns_rr* question = ldns_rr_list_rr(questions, 0);
  const ldns_rdf* name = ldns_rr_owner(question);
  for (size_t hops = 0; hops < kMaxChain; ++hops) {
    const size_t before = ldns_pkt_ancount(response.get());
    const ldns_rdf* next = PushRecords(response.get(), name, ldns_rr_get_type(question));
    if (next == nullptr && ldns_pkt_ancount(response.get()) == before) {
      if (!HasName(name)) ldns_pkt_set_rcode(response.get(), LDNS_RCODE_NXDOMAIN);
      ldns_pkt_push_rr(response.get(), LDNS_SECTION_AUTHORITY, DenialSoa());
    }
    if (next == nullptr) break;
    name = next;
  }
  Bytes bytes = PacketBytes(response.get());
  if (tcp || bytes.size() <= Payload(query)) return bytes;
  const Packet truncated(NewResponse(query));
  ldns_pkt_set_tc(truncated.get(), true);
  return PacketBytes(truncated.get());
}

}  // namespace namegate::testing
