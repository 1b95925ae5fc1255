#pragma once

#include <cstdint>
#include <string>

#include "resolver/wire_cursor.h"

namespace namegate::resolver {

// Reads the RDATA of one record of class IN, `rdlength` octets at the cursor, into uncompressed
// wire format with lower-cased names. False unless the RDATA is well formed for its type and fills
// the octets exactly: what one reader leaves over, another may take for the next record.
bool ReadRdata(WireCursor& cursor, uint16_t type, uint16_t rdlength, std::string* rdata);

}  // namespace namegate::resolver
