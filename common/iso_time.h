#pragma once

#include <cstdint>
#include <string>

namespace namegate {

// "2027-01-15T08:00:00.000001Z": a time of the ledger, as its views have it. A time that no
// calendar has is shown as its number.
std::string IsoTime(int64_t time_us);

}  // namespace namegate
