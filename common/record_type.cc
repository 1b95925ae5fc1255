#include "common/record_type.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace namegate {
namespace {

struct Mnemonic {
  uint16_t type;
  std::string_view name;
};

// Those of IANA's registry that a program behind a stub resolver may ask for.
constexpr auto kMnemonics = std::to_array<Mnemonic>({
    {1, "A"},      {2, "NS"},     {5, "CNAME"},   {6, "SOA"},         {10, "NULL"},  {12, "PTR"},
    {13, "HINFO"}, {15, "MX"},    {16, "TXT"},    {17, "RP"},         {18, "AFSDB"}, {28, "AAAA"},
    {29, "LOC"},   {33, "SRV"},   {35, "NAPTR"},  {36, "KX"},         {37, "CERT"},  {39, "DNAME"},
    {41, "OPT"},   {43, "DS"},    {44, "SSHFP"},  {46, "RRSIG"},      {47, "NSEC"},  {48, "DNSKEY"},
    {50, "NSEC3"}, {52, "TLSA"},  {53, "SMIMEA"}, {61, "OPENPGPKEY"}, {64, "SVCB"},  {65, "HTTPS"},
    {99, "SPF"},   {251, "IXFR"}, {252, "AXFR"},  {255, "ANY"},       {256, "URI"},  {257, "CAA"},
});

constexpr std::string_view kNumbered = "TYPE";

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

}  // namespace

std::string TypeName(uint16_t type) {
  for (const Mnemonic& known : kMnemonics) {
    if (known.type == type) return std::string(known.name);
  }
  return std::string(kNumbered) + std::to_string(type);
}

std::optional<uint16_t> TypeFromName(std::string_view name) {
  const std::string upper = UpperCase(name);
  for (const Mnemonic& known : kMnemonics) {
    if (known.name == upper) return known.type;
  }
  if (!upper.starts_with(kNumbered)) return std::nullopt;
  const std::string_view digits = std::string_view(upper).substr(kNumbered.size());
  uint16_t type = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), type);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return type;
}

bool IsMetaType(uint16_t type) { return type == 41 || (type >= 128 && type <= 255); }

const char* WhyTypeCannotBeAllowed(uint16_t type) {
  if (type == 1 || type == 28) return "addresses come with a port, HOST:PORT";
  if (type == 64 || type == 65) return "its records carry addresses and ports past the policy";
  if (type == 0 || IsMetaType(type)) return "it is not a type of records";
  return nullptr;
}

}  // namespace namegate
