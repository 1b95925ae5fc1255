#pragma once

// ldns, included here and nowhere else of ours: its common.h defines bool, true and false as macros
// unless <stdbool.h> came first, which breaks every C++ header after it.
#include <stdbool.h>
// stdbool.h stays in front.
#include <ldns/ldns.h>
