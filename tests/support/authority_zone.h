#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/dns_packet.h"

namespace namegate::testing {

// The records of an Authority, and the honest answers made of them.
class AuthorityZone {
 public:
  // Throws on a line that ldns does not read: a mistake in the test.
  explicit AuthorityZone(std::string_view records);

  // The response to a query, CNAMEs followed as far as the records lead. Over UDP, what is larger
  // than the querier takes is truncated.
  Bytes Answer(const ldns_pkt* query, bool tcp) const;

 private:
  struct RecordFree {
    void operator()(ldns_rr* record) const { ldns_rr_free(record); }
  };
  using Record = std::unique_ptr<ldns_rr, RecordFree>;

  // Pushes what answers `type` at `owner` and returns where a CNAME leads on, or null.
  const ldns_rdf* PushRecords(ldns_pkt* response, const ldns_rdf* owner, ldns_rr_type type) const;
  bool HasName(const ldns_rdf* name) const;

  std::vector<Record> records_;
};

// "a.example.org" for the name in wire format: lower-cased, without the final dot.
std::string NameText(const ldns_rdf* name);

}  // namespace namegate::testing
