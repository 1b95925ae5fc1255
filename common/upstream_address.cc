#include "common/upstream_address.h"

#include "common/domain_name.h"

namespace namegate {
namespace {

constexpr uint16_t kDnsOverTlsPort = 853;
constexpr std::string_view kTlsScheme = "tls://";

}  // namespace

std::optional<UpstreamAddress> UpstreamAddress::FromText(std::string_view text) {
  UpstreamAddress upstream;
  upstream.tls = text.starts_with(kTlsScheme);
  if (upstream.tls) {
    text.remove_prefix(kTlsScheme.size());
    if (const size_t at = text.find('@'); at != std::string_view::npos) {
      const auto name = DomainName::FromText(text.substr(at + 1));
      if (!name || name->is_root() || !name->HasOnlyHostLabels()) return std::nullopt;
      upstream.tls_name = name->ToText();
      text = text.substr(0, at);
    }
  }
  const auto endpoint = Endpoint::FromText(text, upstream.tls ? kDnsOverTlsPort : kDnsPort);
  if (!endpoint) return std::nullopt;
  upstream.endpoint = *endpoint;
  return upstream;
}

std::string UpstreamAddress::ToText() const {
  if (!tls) return endpoint.ToText();
  return std::string(kTlsScheme) + endpoint.ToText() + (tls_name.empty() ? "" : "@" + tls_name);
}

}  // namespace namegate
