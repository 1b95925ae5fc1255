#include "common/sha256.h"

// Nettle and not OpenSSL: the rows of a ledger are short, for which it is several times as fast,
// and OpenSSL's library takes every program that loads it a millisecond.
#include <nettle/hmac.h>
#include <nettle/sha2.h>

namespace namegate {
namespace {

const uint8_t* Octets(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

Sha256Digest Sha256(std::string_view bytes) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, bytes.size(), Octets(bytes));
  Sha256Digest digest;
  sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

Sha256Digest HmacSha256(std::string_view key, std::string_view bytes) {
  hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key.size(), Octets(key));
  hmac_sha256_update(&context, bytes.size(), Octets(bytes));
  Sha256Digest digest;
  hmac_sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

}  // namespace namegate
