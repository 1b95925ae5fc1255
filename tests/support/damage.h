#pragma once

#include <cstdint>
#include <string>

namespace namegate::testing {

// The page where a table of the SQLite database at `path` begins.
int64_t RootPage(const std::string& path, const std::string& table);
// The first of the pages that hold a table's rows, of which there must be several.
int64_t FirstLeaf(const std::string& path, const std::string& table);

// Makes a page contradict everything. It is read from the file only if it is not in the log.
void OverwritePage(const std::string& path, int64_t page);

}  // namespace namegate::testing
