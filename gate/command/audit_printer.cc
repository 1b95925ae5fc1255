#include "gate/command/audit_printer.h"

#include <algorithm>
#include <iostream>

#include "common/escape.h"

namespace namegate::command {
namespace {

using Json = nlohmann::json;

std::string JsonText(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

// One object a line, so that it is read as well by line as as a whole.
class JsonPrinter final : public RowPrinter {
 public:
  explicit JsonPrinter(const std::vector<std::string>& columns) {
    for (const std::string& column : columns) keys_.push_back(JsonText(column) + ":");
    std::cout << '[';
  }

  void Row(const std::vector<Json>& cells) override {
    std::cout << (first_ ? "\n{" : ",\n{");
    first_ = false;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) std::cout << ',';
      std::cout << keys_[i] << JsonText(cells[i]);
    }
    std::cout << '}';
  }

  void End() override { std::cout << (first_ ? "]\n" : "\n]\n"); }

 private:
  std::vector<std::string> keys_;
  bool first_ = true;
};

// The first rows decide how wide the columns are; those after them are printed as they come.
class TablePrinter final : public RowPrinter {
 public:
  explicit TablePrinter(const std::vector<std::string>& columns) {
    std::vector<std::string> header;
    for (const std::string& column : columns) header.push_back(Shown(column));
    widths_.resize(header.size());
    Add(std::move(header));
  }

  void Row(const std::vector<Json>& cells) override {
    std::vector<std::string> texts;
    for (const Json& cell : cells) texts.push_back(CellText(cell));
    if (started_) {
      Print(texts);
    } else {
      Add(std::move(texts));
      if (waiting_.size() > kRowsToMeasure) Start();
    }
  }

  void End() override {
    if (!started_) Start();
  }

 private:
  static constexpr size_t kRowsToMeasure = 1000;

  static std::string CellText(const Json& cell) {
    if (cell.is_null()) return "-";
    return cell.is_string() ? Shown(cell.get_ref<const std::string&>()) : JsonText(cell);
  }

  void Add(std::vector<std::string> texts) {
    for (size_t i = 0; i < texts.size(); ++i) widths_[i] = std::max(widths_[i], texts[i].size());
    waiting_.push_back(std::move(texts));
  }

  void Start() {
    started_ = true;
    for (const auto& texts : waiting_) Print(texts);
    waiting_.clear();
  }

  void Print(const std::vector<std::string>& texts) const {
    for (size_t i = 0; i < texts.size(); ++i) {
      std::cout << texts[i];
      if (i + 1 == texts.size()) continue;
      std::cout << std::string(widths_[i] + 2 - std::min(texts[i].size(), widths_[i]), ' ');
    }
    std::cout << '\n';
  }

  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> waiting_;
  bool started_ = false;
};

class JsonlPrinter final : public RowPrinter {
 public:
  explicit JsonlPrinter(const std::vector<std::string>& columns) {
    for (const std::string& column : columns) {
      keys_.push_back((keys_.empty() ? "{" : ",") + JsonText(column) + ":");
    }
  }

  void Row(const std::vector<Json>& cells) override {
    for (size_t i = 0; i < cells.size(); ++i) std::cout << keys_[i] << JsonText(cells[i]);
    std::cout << "}\n";
  }

  void End() override {}

 private:
  std::vector<std::string> keys_;
};

class CsvPrinter final : public RowPrinter {
 public:
  explicit CsvPrinter(const std::vector<std::string>& columns) {
    Row({columns.begin(), columns.end()});
  }

  void Row(const std::vector<Json>& cells) override {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) std::cout << ',';
      if (cells[i].is_string()) {
        Field(cells[i].get_ref<const std::string&>());
      } else if (!cells[i].is_null()) {
        std::cout << JsonText(cells[i]);
      }
    }
    std::cout << "\r\n";
  }

  void End() override {}

 private:
  static void Field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
      std::cout << text;
      return;
    }
    std::cout << '"';
    for (const char c : text) std::cout << (c == '"' ? "\"\"" : std::string(1, c));
    std::cout << '"';
  }
};

std::string Hexadecimal(std::string_view octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "X'";
  for (const char c : octets) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text + "'";
}

}  // namespace

std::string Shown(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return printable ? std::string(text) : Printable(text);
}

std::unique_ptr<RowPrinter> RowPrinter::Create(RowFormat format,
                                               const std::vector<std::string>& columns) {
  switch (format) {
    case RowFormat::kJson:
      return std::make_unique<JsonPrinter>(columns);
    case RowFormat::kJsonl:
      return std::make_unique<JsonlPrinter>(columns);
    case RowFormat::kCsv:
      return std::make_unique<CsvPrinter>(columns);
    case RowFormat::kTable:
      break;
  }
  return std::make_unique<TablePrinter>(columns);
}

Json Cell(const Statement& statement, int column) {
  switch (statement.column_type(column)) {
    case SQLITE_INTEGER:
      return statement.integer(column);
    case SQLITE_FLOAT:
      return statement.real(column);
    case SQLITE_TEXT:
      return std::string(statement.text(column));
    case SQLITE_BLOB:
      return Hexadecimal(statement.text(column));
    default:
      return nullptr;
  }
}

Result<int64_t> PrintRows(Statement& statement, RowFormat format) {
  return PrintRows(statement, format, [&] { return statement.Step(); });
}

Result<int64_t> PrintRows(Statement& statement, RowFormat format,
                          const std::function<Result<bool>()>& step) {
  // The first step comes before the first output: if it fails, there is none.
  auto more = step();
  if (!more) return more.error();
  std::vector<std::string> columns;
  for (int i = 0; i < statement.column_count(); ++i) columns.push_back(statement.column_name(i));
  const auto printer = RowPrinter::Create(format, columns);
  int64_t rows = 0;
  std::vector<Json> cells(columns.size());
  while (*more) {
    for (size_t i = 0; i < cells.size(); ++i) cells[i] = Cell(statement, static_cast<int>(i));
    printer->Row(cells);
    if (!std::cout) break;  // nobody reads on
    ++rows;
    more = step();
    if (!more) return more.error();
  }
  printer->End();
  if (auto flushed = FlushOutput(); !flushed) return flushed.error();
  return rows;
}

Result<void> FlushOutput() {
  std::cout.flush();
  if (!std::cout) return Error{"write to standard output: it cannot take more"};
  return {};
}

}  // namespace namegate::command
