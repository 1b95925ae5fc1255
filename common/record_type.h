#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace namegate {

// "TXT", or "TYPE65280" for types without a mnemonic here (RFC 3597 §5).
std::string TypeName(uint16_t type);

// The type of a mnemonic in any case, or of TYPEnnn.
std::optional<uint16_t> TypeFromName(std::string_view name);

// True for what names no type of records: 128 to 255 are QTYPEs and meta types, and so is OPT (RFC
// 6895 §3.1). Of no use to a stub resolver, of much to an attacker.
bool IsMetaType(uint16_t type);

// Why a rule cannot open a type to be asked, or nullptr if one can.
const char* WhyTypeCannotBeAllowed(uint16_t type);

}  // namespace namegate
