#include "gate/command/audit_verify.h"

#include <iostream>

#include "common/config.h"
#include "common/escape.h"
#include "common/iso_time.h"
#include "common/ledger_reader.h"
#include "common/ledger_verifier.h"
#include "common/state_paths.h"
#include "gate/command/audit_printer.h"

namespace namegate::command {
namespace {

void PrintJson(const Verification& verification) {
  nlohmann::ordered_json json = {
      {"intact", verification.intact()},    {"rows", verification.rows},
      {"seals", verification.seals},        {"seals_without_key", verification.unkeyed},
      {"head", verification.head.ToText()}, {"finding_count", verification.finding_count},
      {"findings", verification.findings}};
  json["removed_through"] = nullptr;
  if (verification.removed_through_us) {
    json["removed_through"] = IsoTime(*verification.removed_through_us);
  }
  json["removal_under_way"] = verification.removal_under_way;
  std::cout << json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) << '\n';
}

void PrintText(const Verification& verification) {
  for (const std::string& finding : verification.findings) std::cout << finding << '\n';
  if (verification.finding_count > verification.findings.size()) {
    std::cout << "and " << verification.finding_count - verification.findings.size() << " more\n";
  }
  std::cout << (verification.intact() ? "Intact: " : "NOT INTACT: ") << verification.rows
            << " rows, " << verification.seals << " seals";
  if (verification.unkeyed > 0) {
    std::cout << (verification.unkeyed == verification.seals
                      ? ", made without a key"
                      : ", the first " + std::to_string(verification.unkeyed) + " without a key");
  }
  if (verification.removed_through_us) {
    std::cout << "\nRemoved: what was recorded up to " << IsoTime(*verification.removed_through_us)
              << ", but for what is still needed";
  }
  if (verification.removal_under_way) {
    std::cout << "\nThis removal is under way: of what is left up to then nothing can be said yet";
  }
  std::cout << "\nHead: " << verification.head.ToText() << '\n';
}

Result<std::optional<SealKey>> KeyFor(const VerifyOptions& options, const StatePaths& paths) {
  auto key = SealKey::FromFile(options.key.value_or(paths.ledger_key()));
  if (key && !*key && options.key) {
    return Error{"read the ledger's key '" + Printable(*options.key) + "': there is no such file"};
  }
  return key;
}

}  // namespace

Result<void> CheckHead(const std::string& text) {
  if (SealHead::FromText(text)) return {};
  return Error{"'" + Printable(text) +
               "' is no head; give what `namegate audit verify --head` printed, NUMBER:DIGEST"};
}

Result<bool> AuditVerify(const CommonOptions& common, const VerifyOptions& options) {
  const auto config = Config::Load(common.config, common.state_dir);
  if (!config) return config.error();
  const StatePaths paths(config->state_dir);
  auto ledger = OpenLedgerToRead(paths.ledger());
  if (!ledger) return ledger.error();
  if (options.head_only) {
    auto head = ReadSealHead(*ledger);
    if (!head) return head.error();
    std::cout << head->ToText() << '\n';
    if (auto flushed = FlushOutput(); !flushed) return flushed.error();
    return true;
  }
  auto key = KeyFor(options, paths);
  if (!key) return key.error();
  std::optional<SealHead> since;
  if (options.since) since = SealHead::FromText(*options.since);
  auto verification = VerifyLedger(*ledger, *key, since);
  if (!verification) return verification.error();
  common.json ? PrintJson(*verification) : PrintText(*verification);
  if (auto flushed = FlushOutput(); !flushed) return flushed.error();
  return verification->intact();
}

}  // namespace namegate::command
