#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// What identifies an answer or a policy in the ledger: the first half of its SHA-256. 128 bits keep
// an attacker who controls answers from making two that are taken for one (2^64 tries).
using Digest = std::array<uint8_t, 16>;

Digest DigestOf(std::string_view bytes);

// All records in order: owner, type, TTL, length of the data, data (RFC 1035 §3.2.1 without the
// class). Two answers are the same if and only if this is.
std::string CanonicalBytes(const AnswerSet& answer);

}  // namespace namegate::resolver
