// Names are read from text (rules, the command line) and from the wire (every query and response).

#include "common/domain_name.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

void CheckName(const DomainName& name) {
  const std::string_view wire = name.wire();
  Promise(!wire.empty() && wire.size() <= DomainName::kMaxWireLength, "a name has 1 to 255 octets");
  const std::string text = name.ToText();
  Promise(IsPrintable(text), "the text of a name is printable");
  const auto again = DomainName::FromText(text);
  Promise(again && *again == name, "a name survives its own text");
  const auto rewired =
      DomainName::FromWire({reinterpret_cast<const uint8_t*>(wire.data()), wire.size()});
  Promise(rewired && *rewired == name, "a name survives its own wire format");
  Promise(name.IsAtOrBelow(name.parent()), "a name is below its parent");
  Promise(name.is_root() || name.parent().label_count() + 1 == name.label_count(),
          "a parent has one label less");
}

void TryInput(const uint8_t* data, size_t size) {
  if (const auto name = DomainName::FromWire({data, size})) CheckName(*name);
  if (const auto name = DomainName::FromText(Text(data, size))) {
    CheckName(*name);
  } else {
    Promise(IsPrintable(name.error().message), "a refusal is printable");
  }
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
