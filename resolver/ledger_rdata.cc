#include "resolver/ledger_rdata.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/domain_name.h"
#include "common/ip_address.h"
#include "resolver/ldns.h"

namespace namegate::resolver {
namespace {

// What ldns takes for one record grows faster than the record, and everyone's answers wait for it.
constexpr size_t kMaxForLdns = 1024;
constexpr uint16_t kSvcb = 64;  // RFC 9460; ldns may be built without their names
constexpr uint16_t kHttps = 65;
constexpr size_t kFixedPart = 11;  // root owner, type, class, TTL, RDLENGTH (RFC 1035 §3.2.1)

struct RrDeleter {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct TextDeleter {
  void operator()(char* text) const { LDNS_FREE(text); }
};

std::span<const uint8_t> Octets(const std::string& rdata) {
  return {reinterpret_cast<const uint8_t*>(rdata.data()), rdata.size()};
}

std::string Generic(const std::string& rdata) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\\# " + std::to_string(rdata.size());
  if (!rdata.empty()) text += ' ';
  for (const uint8_t octet : Octets(rdata)) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

std::optional<std::string> AddressText(const std::string& rdata, size_t length) {
  if (rdata.size() != length) return std::nullopt;
  return IpAddress(Octets(rdata)).ToText();
}

std::optional<std::string> NameText(const std::string& rdata) {
  const auto name = DomainName::FromWire(Octets(rdata));
  if (!name) return std::nullopt;
  return name->ToText();
}

// One whole record, owned by the root, for ldns to read.
std::string WholeRecord(uint16_t type, const std::string& rdata) {
  std::string wire(kFixedPart, '\0');
  wire[1] = static_cast<char>(type >> 8);
  wire[2] = static_cast<char>(type & 0xff);
  wire[4] = 1;  // IN
  wire[9] = static_cast<char>(rdata.size() >> 8);
  wire[10] = static_cast<char>(rdata.size() & 0xff);
  return wire + rdata;
}

// The fifth field of "owner TTL class type data", as ldns_rr2str() writes it.
std::optional<std::string> DataField(std::string_view line) {
  for (int field = 0; field < 4; ++field) {
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    line.remove_prefix(tab + 1);
  }
  while (line.ends_with('\n')) line.remove_suffix(1);
  const bool printable =
      std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (line.empty() || !printable) return std::nullopt;
  return std::string(line);
}

std::optional<std::string> LdnsText(uint16_t type, const std::string& rdata) {
  if (rdata.size() > kMaxForLdns) return std::nullopt;
  const std::string wire = WholeRecord(type, rdata);
  ldns_rr* raw = nullptr;
  size_t at = 0;
  const ldns_status status = ldns_wire2rr(&raw, reinterpret_cast<const uint8_t*>(wire.data()),
                                          wire.size(), &at, LDNS_SECTION_ANSWER);
  if (status != LDNS_STATUS_OK) return std::nullopt;
  const std::unique_ptr<ldns_rr, RrDeleter> rr(raw);
  // ldns does not hold records to their RDLENGTH.
  if (at != wire.size()) return std::nullopt;
  const std::unique_ptr<char, TextDeleter> line(ldns_rr2str(rr.get()));
  if (line == nullptr) return std::nullopt;
  return DataField(line.get());
}

std::optional<std::string> TextByType(uint16_t type, const std::string& rdata) {
  switch (type) {
    case LDNS_RR_TYPE_A:
      return AddressText(rdata, 4);
    case LDNS_RR_TYPE_AAAA:
      return AddressText(rdata, 16);
    case LDNS_RR_TYPE_CNAME:
    case LDNS_RR_TYPE_NS:
    case LDNS_RR_TYPE_PTR:
    case LDNS_RR_TYPE_DNAME:
      return NameText(rdata);
    // Types that are in use. Not all that ldns knows: to write one WKS record it reads
    // /etc/services for every bit of it, 40 ms for 256 octets.
    case LDNS_RR_TYPE_SOA:
    case LDNS_RR_TYPE_HINFO:
    case LDNS_RR_TYPE_MX:
    case LDNS_RR_TYPE_TXT:
    case LDNS_RR_TYPE_SRV:
    case LDNS_RR_TYPE_NAPTR:
    case LDNS_RR_TYPE_CERT:
    case LDNS_RR_TYPE_DS:
    case LDNS_RR_TYPE_SSHFP:
    case LDNS_RR_TYPE_RRSIG:
    case LDNS_RR_TYPE_NSEC:
    case LDNS_RR_TYPE_DNSKEY:
    case LDNS_RR_TYPE_TLSA:
    case LDNS_RR_TYPE_OPENPGPKEY:
    case kSvcb:
    case kHttps:
    case LDNS_RR_TYPE_SPF:
    case LDNS_RR_TYPE_URI:
    case LDNS_RR_TYPE_CAA:
      return LdnsText(type, rdata);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string RdataText(uint16_t type, const std::string& rdata) {
  auto text = TextByType(type, rdata);
  return text ? *std::move(text) : Generic(rdata);
}

}  // namespace namegate::resolver
