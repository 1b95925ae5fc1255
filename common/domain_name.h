#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace namegate {

// A fully qualified domain name: lower-cased wire labels with the root at the end (RFC 1035 §3.1,
// RFC 4343). Always valid: 1 to 255 octets, labels of 1 to 63 octets of any value.
class DomainName {
 public:
  static constexpr size_t kMaxWireLength = 255;
  static constexpr size_t kMaxLabelLength = 63;

  // The root.
  DomainName() : wire_(1, '\0') {}

  // Reads presentation format (RFC 1035 §5.1): dots between labels, an optional dot at the end,
  // `\DDD` and `\c` escapes. The error says what is wrong with the text.
  static Result<DomainName> FromText(std::string_view text);

  // Reads one uncompressed name that fills `wire` exactly; nothing on any deviation.
  static std::optional<DomainName> FromWire(std::span<const uint8_t> wire);

  // Uncompressed wire format, the root label included.
  std::string_view wire() const { return wire_; }

  // Presentation format without the final dot ("." for the root); octets other than letters,
  // digits, hyphen and underscore are escaped, so the text is always printable ASCII.
  std::string ToText() const;

  bool is_root() const { return wire_.size() == 1; }
  size_t label_count() const;
  // The octets of the leftmost label; empty for the root.
  std::string_view first_label() const;
  // The name without its leftmost label. The root is its own parent.
  DomainName parent() const;
  // True for `ancestor` itself and for every name below it.
  bool IsAtOrBelow(const DomainName& ancestor) const;
  // True if every label is of letters, digits, hyphen and underscore only.
  bool HasOnlyHostLabels() const;

  friend bool operator==(const DomainName&, const DomainName&) = default;
  friend auto operator<=>(const DomainName&, const DomainName&) = default;

 private:
  explicit DomainName(std::string wire) : wire_(std::move(wire)) {}

  std::string wire_;
};

// ASCII lower case (RFC 4343); other octets, and label lengths, are left alone.
constexpr uint8_t LowerCase(uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<uint8_t>(octet + ('a' - 'A')) : octet;
}

}  // namespace namegate

template <>
struct std::hash<namegate::DomainName> {
  size_t operator()(const namegate::DomainName& name) const noexcept {
    return std::hash<std::string_view>{}(name.wire());
  }
};
