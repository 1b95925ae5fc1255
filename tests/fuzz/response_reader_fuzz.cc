// What upstreams send, and whoever forges their packets. If two readers saw different addresses in
// one message, we could judge the one and a program connect to the other.

#include <arpa/nameser.h>

#include <cstring>

#include "resolver/answer.h"
#include "resolver/ldns.h"
#include "resolver/message_builder.h"
#include "resolver/message_reader.h"
#include "resolver/rdata_reader.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

using resolver::Record;
using resolver::ResponseMessage;

bool IsAddress(uint16_t type) {
  return type == resolver::rrtype::kA || type == resolver::rrtype::kAaaa;
}

bool SameName(const char* libc_text, const DomainName& name) {
  if (libc_text[0] == '\0') return name.is_root();
  const auto read = DomainName::FromText(libc_text);
  return read && *read == name;
}

void CheckAgainstLibc(const uint8_t* data, size_t size, const ResponseMessage& message) {
  ns_msg handle;
  Promise(ns_initparse(data, static_cast<int>(size), &handle) == 0, "libc reads the response");
  Promise(ns_msg_count(handle, ns_s_an) == message.answers.size(), "libc counts the same answers");
  for (size_t i = 0; i < message.answers.size(); ++i) {
    const Record& record = message.answers[i];
    ns_rr answer;
    Promise(ns_parserr(&handle, ns_s_an, static_cast<int>(i), &answer) == 0,
            "libc reads the answer");
    Promise(ns_rr_type(answer) == record.type, "libc sees the same type");
    Promise(SameName(ns_rr_name(answer), record.owner), "libc sees the same owner");
    if (!IsAddress(record.type)) continue;
    Promise(ns_rr_rdlen(answer) == record.rdata.size() &&
                std::memcmp(ns_rr_rdata(answer), record.rdata.data(), record.rdata.size()) == 0,
            "libc sees the same address");
  }
}

std::string LdnsAddresses(const ldns_rr_list* answers) {
  std::string addresses;
  for (size_t i = 0; i < ldns_rr_list_rr_count(answers); ++i) {
    const ldns_rr* record = ldns_rr_list_rr(answers, i);
    if (!IsAddress(static_cast<uint16_t>(ldns_rr_get_type(record)))) continue;
    const ldns_rdf* address = ldns_rr_rdf(record, 0);
    addresses.append(reinterpret_cast<const char*>(ldns_rdf_data(address)), ldns_rdf_size(address));
  }
  return addresses;
}

// ldns refuses some RDATA that is opaque to us; what it takes, it must see as we do.
void CheckAgainstLdns(const uint8_t* data, size_t size, const ResponseMessage& message) {
  ldns_pkt* packet = nullptr;
  if (ldns_wire2pkt(&packet, data, size) != LDNS_STATUS_OK) return;
  std::string addresses;
  for (const Record& record : message.answers) {
    if (IsAddress(record.type)) addresses += record.rdata;
  }
  Promise(LdnsAddresses(ldns_pkt_answer(packet)) == addresses, "ldns sees the same addresses");
  ldns_pkt_free(packet);
}

// ldns 1.8.3 loses memory on a second TSIG record, which the leak checker would lay at our door.
bool HoldsTsig(const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 1 < size; ++i) {
    if (data[i] == 0 && data[i + 1] == LDNS_RR_TYPE_TSIG) return true;
  }
  return false;
}

// What is believed is the chain from the question to the records asked for, and nothing else.
void CheckChain(const ResponseMessage& message, const resolver::AnswerSet& records) {
  Promise(records.size() <= message.answers.size(), "nothing is believed that was not there");
  DomainName owner = message.qname;
  size_t hops = 0;
  for (const Record& record : records) {
    Promise(record.owner == owner, "each owner is the target before it");
    if (record.type == message.qtype) continue;
    Promise(++hops <= resolver::kMaxChainHops, "a chain is bounded");
    const auto target = resolver::CnameTarget(record);
    Promise(target.has_value(), "on the way there are only CNAMEs");
    owner = *target;
  }
}

// What a client is sent reads back as what was judged.
void CheckRebuilt(const ResponseMessage& message) {
  const resolver::Answer answer = resolver::ExtractAnswer(message);
  if (!answer.records) return;
  CheckChain(message, *answer.records);
  resolver::QueryMessage query;
  query.qname = message.qname;
  query.question_wire = message.question_wire;
  resolver::Response response;
  response.rcode = answer.rcode & 0xf;
  response.answer = answer.records;
  if (answer.negative) response.negative_ttl_s = answer.ttl_s;
  const auto built = resolver::BuildResponse(query, response, resolver::kMaxResponseSize);
  if (built.truncated) return;
  const auto read = resolver::ParseResponse(
      {reinterpret_cast<const uint8_t*>(built.bytes.data()), built.bytes.size()});
  Promise(read.has_value(), "we read what we built");
  Promise(read->answers == *answer.records, "a client is told what was judged");
}

void TryInput(const uint8_t* data, size_t size) {
  const auto message = resolver::ParseResponse({data, size});
  if (!message || message->truncated) return;
  Promise(message->answers.size() + message->authorities.size() <= resolver::kMaxRecords,
          "a response has a bounded number of records");
  CheckRebuilt(*message);
  CheckAgainstLibc(data, size, *message);
  if (!HoldsTsig(data, size)) CheckAgainstLdns(data, size, *message);
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
