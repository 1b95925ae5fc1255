#include "resolver/ledger_digest.h"

#include <algorithm>

#include "common/sha256.h"

namespace namegate::resolver {
namespace {

void AppendBigEndian(std::string& out, uint32_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xff);
  }
}

}  // namespace

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
    AppendBigEndian(bytes, record.type, 2);
    AppendBigEndian(bytes, record.ttl_s, 4);
    AppendBigEndian(bytes, static_cast<uint32_t>(record.rdata.size()), 4);
    bytes += record.rdata;
  }
  return bytes;
}

}  // namespace namegate::resolver
