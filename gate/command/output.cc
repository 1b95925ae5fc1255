#include "gate/command/output.h"

#include <algorithm>
#include <cstdio>

#include "common/escape.h"

namespace namegate::command {
namespace {

// Unlike Printable(), leaves UTF-8 as it is: messages of ours use it. The C1 controls (U+0080 to
// U+009F) are two bytes in UTF-8, and a terminal obeys them.
std::string WithoutControls(std::string_view text) {
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) {
      line += Printable(text.substr(i++, 2));
    } else if (byte < 0x20 || byte == 0x7f) {
      line += Printable(text.substr(i, 1));
    } else {
      line += text[i];
    }
  }
  return line;
}

std::vector<size_t> ColumnWidths(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Printable(row[i]).size());
    }
  }
  return widths;
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._-+:@%,=").find(c) != std::string_view::npos;
}

}  // namespace

void Complain(std::string_view message) {
  const std::string line = "namegate: " + WithoutControls(message) + "\n";
  (void)std::fputs(line.c_str(), stderr);  // nowhere is left to say that this failed
}

int Fail(std::string_view message) {
  Complain(message);
  return kTrouble;
}

// That standard output failed is found when it is flushed, at the end of main().
void Print(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stdout); }

void PrintJson(const nlohmann::json& value) {
  Print(value.dump(2, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace) + "\n");
}

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  const auto widths = ColumnWidths(rows);
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Printable(row[i]);
      text += cell;
      if (i + 1 < row.size()) text.append(widths[i] - cell.size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string ShellWord(const std::string& word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), IsPlain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace namegate::command
