#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace namegate::command {

// Exit statuses of every command but the command that `run` runs.
inline constexpr int kOk = 0;
inline constexpr int kTrouble = 1;
inline constexpr int kUsage = 2;

// "namegate: MESSAGE" on standard error, as one line whatever the message holds: control characters
// in it (it may quote a file or a label) are escaped.
void Complain(std::string_view message);
// The same, and kTrouble for the caller to return.
int Fail(std::string_view message);

// Standard output, indented, in ASCII: what is not is escaped, so it is safe on a terminal.
void PrintJson(const nlohmann::json& value);
void Print(std::string_view text);

// The rows as left-aligned columns, two spaces apart, the first row being the header. Cells are
// escaped with Printable().
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

// `word` as one word of a POSIX shell.
std::string ShellWord(const std::string& word);

}  // namespace namegate::command
