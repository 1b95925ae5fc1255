# Writes OUTPUT, a C++ source that defines the ready questions that schema.h declares, from the SQL
# files below DIRECTORY named in QUERIES (separated by commas). Run by the build: cmake -D… -P.
string(REPLACE "," ";" files "${QUERIES}")
set(entries "")
foreach(file IN LISTS files)
  file(READ "${DIRECTORY}/${file}.sql" sql)
  if(sql MATCHES "\\)SQL\"")
    message(FATAL_ERROR "schema: '${file}' holds the text that ends it in C++")
  endif()
  string(APPEND entries "    {\"${file}\", R\"SQL(${sql})SQL\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made from schema/queries/*.sql by schema/embed_queries.cmake.
#include \"schema/schema.h\"

namespace namegate::schema {
namespace {

constexpr ReadyQuery kQueries[] = {
${entries}};

}  // namespace

std::span<const ReadyQuery> ReadyQueries() { return kQueries; }

}  // namespace namegate::schema
")
