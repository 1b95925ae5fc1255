#pragma once

#include <cstdint>
#include <string>

namespace namegate::resolver {

// The data of a record in presentation format (RFC 1035 §5.1), always printable ASCII. Names that
// are the whole data (CNAME, NS, PTR, DNAME) are written as DomainName::ToText() writes them, so
// that they compare equal with names elsewhere in the ledger. Types that are seldom seen, data over
// 1 KiB, and data that is not what its type demands are given as RFC 3597 §5 has it:
// "\# 3 abcdef".
std::string RdataText(uint16_t type, const std::string& rdata);

}  // namespace namegate::resolver
