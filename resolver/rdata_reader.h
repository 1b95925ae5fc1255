#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/domain_name.h"
#include "common/ip_address.h"
#include "resolver/ledger_rows.h"
#include "resolver/wire_cursor.h"

namespace namegate::resolver {

// Reads the RDATA of one record of class IN, `rdlength` octets at the cursor, into uncompressed
// wire format with lower-cased names. False unless the RDATA is well formed for its type and fills
// the octets exactly: what one reader leaves over, another may take for the next record.
bool ReadRdata(WireCursor& cursor, uint16_t type, uint16_t rdlength, std::string* rdata);

// What the RDATA of a record that was so read says.
// The name that a CNAME leads to; nothing for other types.
std::optional<DomainName> CnameTarget(const Record& record);
// The address of an A or AAAA record; nothing for other types.
std::optional<IpAddress> AddressIn(const Record& record);

}  // namespace namegate::resolver
