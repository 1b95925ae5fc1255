#include "tests/support/damage.h"

#include <fstream>
#include <stdexcept>

#include "common/sqlite.h"

namespace namegate::testing {
namespace {

constexpr int64_t kPage = 4096;

}  // namespace

int64_t RootPage(const std::string& path, const std::string& table) {
  auto ledger = Database::Open(path, Database::Mode::kReadOnly);
  if (!ledger) throw std::runtime_error(ledger.error().message);
  return ledger->QueryInteger("SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'")
      .value();
}

// https://sqlite.org/fileformat2.html, "B-tree Pages".
int64_t FirstLeaf(const std::string& path, const std::string& table) {
  std::ifstream file(path, std::ios::binary);
  std::string page(kPage, '\0');
  file.seekg((RootPage(path, table) - 1) * kPage);
  const bool interior = file.read(page.data(), kPage) && page[0] == 5;
  if (!interior) throw std::runtime_error("the table " + table + " has one page");
  const auto octet = [&](size_t at) { return static_cast<uint8_t>(page[at]); };
  const auto cell = static_cast<size_t>(octet(12) << 8 | octet(13));
  return octet(cell) << 24 | octet(cell + 1) << 16 | octet(cell + 2) << 8 | octet(cell + 3);
}

void OverwritePage(const std::string& path, int64_t page) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((page - 1) * kPage);
  file << std::string(kPage, 'x');
}

}  // namespace namegate::testing
