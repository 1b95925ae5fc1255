#include "common/domain_name.h"

#include <algorithm>

#include "common/escape.h"

namespace namegate {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHostOctet(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

Error BadName(std::string_view text, const char* why) {
  return Error{"'" + Printable(text) + "' is not a domain name: " + why};
}

// One octet of a label, with its escape resolved. Advances `at` past it; nothing on a bad escape.
std::optional<uint8_t> ReadOctet(std::string_view text, size_t& at) {
  const char c = text[at++];
  if (c != '\\') return static_cast<uint8_t>(c);
  if (at >= text.size()) return std::nullopt;
  if (!IsDigit(text[at])) return static_cast<uint8_t>(text[at++]);
  if (at + 3 > text.size() || !IsDigit(text[at + 1]) || !IsDigit(text[at + 2])) return std::nullopt;
  const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  if (value > 255) return std::nullopt;
  at += 3;
  return static_cast<uint8_t>(value);
}

}  // namespace

Result<DomainName> DomainName::FromText(std::string_view text) {
  if (text.empty()) return BadName(text, "it is empty");
  if (text == ".") return DomainName();
  std::string wire;
  std::string label;
  const auto end_label = [&]() -> const char* {
    if (label.empty()) return "it has an empty label";
    if (label.size() > kMaxLabelLength) return "a label is longer than 63 octets";
    wire += static_cast<char>(label.size());
    wire += label;
    label.clear();
    return nullptr;
  };
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '.') {
      ++at;
      if (const char* why = end_label()) return BadName(text, why);
      continue;
    }
    if (static_cast<uint8_t>(text[at]) >= 0x80) {
      return BadName(text, "give internationalised names as A-labels (xn--...)");
    }
    const auto octet = ReadOctet(text, at);
    if (!octet) return BadName(text, "a backslash is not followed by a character or three digits");
    label += static_cast<char>(LowerCase(*octet));
  }
  if (!label.empty()) {
    if (const char* why = end_label()) return BadName(text, why);
  }
  wire += '\0';
  if (wire.size() > kMaxWireLength) return BadName(text, "it is longer than 255 octets");
  return DomainName(std::move(wire));
}

std::optional<DomainName> DomainName::FromWire(std::span<const uint8_t> wire) {
  if (wire.empty() || wire.size() > kMaxWireLength) return std::nullopt;
  std::string copy(wire.size(), '\0');
  size_t at = 0;
  while (wire[at] != 0) {
    const size_t length = wire[at];
    if (length > kMaxLabelLength || at + 1 + length >= wire.size()) return std::nullopt;
    copy[at] = static_cast<char>(length);
    for (size_t i = at + 1; i <= at + length; ++i) copy[i] = static_cast<char>(LowerCase(wire[i]));
    at += 1 + length;
  }
  if (at + 1 != wire.size()) return std::nullopt;
  return DomainName(std::move(copy));
}

std::string DomainName::ToText() const {
  if (is_root()) return ".";
  std::string text;
  text.reserve(wire_.size());
  for (size_t at = 0; wire_[at] != 0;) {
    const auto length = static_cast<uint8_t>(wire_[at]);
    if (at > 0) text += '.';
    for (size_t i = at + 1; i <= at + length; ++i) {
      const auto octet = static_cast<uint8_t>(wire_[i]);
      if (IsHostOctet(octet)) {
        text += static_cast<char>(octet);
      } else {
        text += '\\';
        text += static_cast<char>('0' + octet / 100);
        text += static_cast<char>('0' + octet / 10 % 10);
        text += static_cast<char>('0' + octet % 10);
      }
    }
    at += 1U + length;
  }
  return text;
}

size_t DomainName::label_count() const {
  size_t count = 0;
  for (size_t at = 0; wire_[at] != 0; at += 1U + static_cast<uint8_t>(wire_[at])) ++count;
  return count;
}

std::string_view DomainName::first_label() const {
  return std::string_view(wire_).substr(is_root() ? 0 : 1, static_cast<uint8_t>(wire_[0]));
}

DomainName DomainName::parent() const {
  if (is_root()) return *this;
  return DomainName(wire_.substr(1U + static_cast<uint8_t>(wire_[0])));
}

bool DomainName::IsAtOrBelow(const DomainName& ancestor) const {
  // A suffix of the octets is not enough: it must begin where a label begins.
  for (size_t at = 0;; at += 1U + static_cast<uint8_t>(wire_[at])) {
    if (wire_.size() - at <= ancestor.wire_.size()) {
      return std::string_view(wire_).substr(at) == ancestor.wire_;
    }
  }
}

bool DomainName::HasOnlyHostLabels() const {
  for (size_t at = 0; wire_[at] != 0; at += 1U + static_cast<uint8_t>(wire_[at])) {
    const std::string_view label =
        std::string_view(wire_).substr(at + 1, static_cast<uint8_t>(wire_[at]));
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsHostOctet(static_cast<uint8_t>(c)); })) {
      return false;
    }
  }
  return true;
}

}  // namespace namegate
