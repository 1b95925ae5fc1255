#include "resolver/ledger_rdata.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

namespace namegate::resolver {
namespace {

using namespace std::string_literals;

TEST_CASE("Addresses are written as everywhere") {
  CHECK(RdataText(1, "\xc0\x00\x02\x07"s) == "192.0.2.7");
  CHECK(RdataText(28, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s) == "2001:db8::1");
}

TEST_CASE("A name as data is written as names elsewhere, without a final dot") {
  for (const uint16_t type : {uint16_t{5}, uint16_t{2}, uint16_t{12}, uint16_t{39}}) {
    CHECK(RdataText(type, "\3www\7example\0"s) == "www.example");
  }
}

TEST_CASE("Other types are written as zone files have them") {
  CHECK(RdataText(16, "\5hello\5world"s) == R"("hello" "world")");
  CHECK(RdataText(15, "\0\x0a\4mail\7example\0"s) == "10 mail.example.");
  CHECK(RdataText(33, "\0\1\0\2\1\xbb\3srv\7example\0"s) == "1 2 443 srv.example.");
}

TEST_CASE("A type that nobody knows is written in hexadecimal") {
  CHECK(RdataText(65400, "\xab\xcd\xef"s) == R"(\# 3 abcdef)");
  CHECK(RdataText(65400, "") == R"(\# 0)");
}

TEST_CASE("Data that is not what its type demands is written in hexadecimal") {
  CHECK(RdataText(1, "\1\2\3"s) == R"(\# 3 010203)");
  CHECK(RdataText(1, "\1\2\3\4\5"s) == R"(\# 5 0102030405)");
  CHECK(RdataText(28, "") == R"(\# 0)");
  CHECK(RdataText(5, "\3ww"s) == R"(\# 3 037777)");
  CHECK(RdataText(5, "\1a\0b"s) == R"(\# 4 01610062)");
  CHECK(RdataText(15, "\0"s) == R"(\# 1 00)");
  // An MX whose name ends before its data does.
  CHECK(RdataText(15, "\0\1\1a\0xyz"s) == R"(\# 8 000101610078797a)");
}

TEST_CASE("Control characters in data never reach the ledger as such") {
  const std::string text = RdataText(16, "\6\x1b[2J\n\xff"s);
  INFO(text);
  CHECK(text.find_first_of("\x1b\n\xff") == std::string::npos);
}

void CheckPrintable(uint16_t type, const std::string& rdata) {
  const std::string text = RdataText(type, rdata);
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (text.empty() || !printable) FAIL("type " << type << ", " << rdata.size() << " octets");
}

TEST_CASE("Any data of any type gives printable text, soon") {
  const auto start = std::chrono::steady_clock::now();
  for (uint16_t type = 0; type < 300; ++type) {
    for (const size_t length : {size_t{1}, size_t{7}, size_t{64}, size_t{1024}}) {
      for (const char fill : {'\0', '\1', '\x3f', '\xc0', '\xff'}) {
        CheckPrintable(type, std::string(length, fill));
      }
    }
  }
  CheckPrintable(16, std::string(65'535, '\xff'));
  // One type that takes ldns long (WKS: 170 ms for each) would show here.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

}  // namespace
}  // namespace namegate::resolver
