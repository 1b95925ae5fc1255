#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "common/reason.h"
#include "resolver/query.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// Queries of one session that are past a limit for one reason; they share a row. Either all of them
// are to be answered, or none.
struct CountedQueries {
  QueryPtr first;
  std::vector<QueryPtr> to_answer;
  uint64_t count = 0;
};

// Gathers queries past a limit, so that a flood fills neither the disk nor the ledger's queue.
class FloodCounter {
 public:
  // What is to be recorded, whenever a window ends or a row has enough.
  using Record = std::function<void(const CountedQueries&)>;

  FloodCounter(uv_loop_t* loop, Record record);

  enum class Response { kDue, kNone };
  // The query is settled, its row says why. `response`: whether it is to be answered.
  void Count(const QueryPtr& query, Response response);

  // Records what was gathered without waiting for more of it.
  void Flush();

 private:
  // Gathered for so long, or up to so many, under one row.
  static constexpr uint64_t kWindow_ms = 200;
  static constexpr size_t kMaxToAnswer = 1'000;

  Record record_;
  UvHandle<uv_timer_t> timer_;
  // What the client received is in the row, so that silence and responses share none.
  std::map<std::tuple<int64_t, Reason, Response>, CountedQueries> gathered_;
};

}  // namespace namegate::resolver
