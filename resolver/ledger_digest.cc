#include "resolver/ledger_digest.h"

#include <openssl/evp.h>

#include <algorithm>

namespace namegate::resolver {
namespace {

void AppendBigEndian(std::string& out, uint32_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xff);
  }
}

}  // namespace

std::optional<Digest> DigestOf(std::string_view bytes) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> whole{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), whole.data(), &length, EVP_sha256(), nullptr) != 1) {
    return std::nullopt;
  }
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
