#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace namegate {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4).
Sha256Digest Sha256(std::string_view bytes);

// HMAC with it (RFC 2104).
Sha256Digest HmacSha256(std::string_view key, std::string_view bytes);

}  // namespace namegate
