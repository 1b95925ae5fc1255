#include "common/endpoint.h"

#include <algorithm>
#include <charconv>

namespace namegate {

const char* ProtocolName(Protocol protocol) { return protocol == Protocol::kUdp ? "udp" : "tcp"; }

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<Endpoint> Endpoint::FromText(std::string_view text,
                                           std::optional<uint16_t> default_port) {
  std::string_view host = text;
  std::optional<uint16_t> port = default_port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) port = rest[0] == ':' ? ParsePort(rest.substr(1)) : std::nullopt;
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = ParsePort(text.substr(colon + 1));
  }
  const auto address = IpAddress::FromText(host);
  if (!address || !port) return std::nullopt;
  return Endpoint{*address, *port};
}

std::string Endpoint::ToText() const {
  const std::string host = address.ToText();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace namegate
