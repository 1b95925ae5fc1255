#include "resolver/ledger_writer.h"
