#include "resolver/ledger_digest.h"

#include <algorithm>

#include "common/network_order.h"
#include "common/sha256.h"

namespace namegate::resolver {

Digest DigestOf(std::string_view bytes) {
  const Sha256Digest whole = Sha256(bytes);
  Digest digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

std::string CanonicalBytes(const AnswerSet& answer) {
  std::string bytes;
  for (const Record& record : answer) {
    bytes += record.owner.wire();
    AppendU16(bytes, record.type);
    AppendU32(bytes, record.ttl_s);
    AppendU32(bytes, static_cast<uint32_t>(record.rdata.size()));
    bytes += record.rdata;
  }
  return bytes;
}

}  // namespace namegate::resolver
