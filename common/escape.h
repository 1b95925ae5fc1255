#pragma once

#include <string>
#include <string_view>

namespace namegate {

// `text` made safe to print: control characters, DEL, bytes above 0x7e and the backslash become
// \xNN (or \\), so that a name or program chosen by an attacker cannot drive a terminal or forge a
// line of a report. Everything that Namegate prints and did not write itself goes through here.
std::string Printable(std::string_view text);

}  // namespace namegate
