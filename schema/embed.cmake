# Writes OUTPUT, a C++ source that defines what schema.h declares, from the SQL files below DIRECTORY
# named in MIGRATIONS (separated by commas). Run by the build: cmake -D… -P embed.cmake.
string(REPLACE "," ";" files "${MIGRATIONS}")
set(entries "")
set(number 0)
foreach(file IN LISTS files)
  math(EXPR number "${number} + 1")
  if(NOT file MATCHES "^0*${number}_[a-z0-9_]+\\.sql$")
    message(FATAL_ERROR "schema: '${file}' should be migration number ${number}")
  endif()
  file(READ "${DIRECTORY}/${file}" sql)
  if(sql MATCHES "\\)SQL\"")
    message(FATAL_ERROR "schema: '${file}' holds the text that ends it in C++")
  endif()
  string(APPEND entries "    {${number}, R\"SQL(${sql})SQL\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made from schema/*.sql by schema/embed.cmake.
#include \"schema/schema.h\"

#include <iterator>

namespace namegate::schema {
namespace {

constexpr Migration kMigrations[] = {
${entries}};

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

int CurrentVersion() { return static_cast<int>(std::size(kMigrations)); }

}  // namespace namegate::schema
")
