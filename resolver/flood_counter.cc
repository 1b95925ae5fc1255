#include "resolver/flood_counter.h"

namespace namegate::resolver {

FloodCounter::FloodCounter(uv_loop_t* loop, Record record) : record_(std::move(record)) {
  timer_.Make(this, [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
}

void FloodCounter::Count(const QueryPtr& query, Response response) {
  const auto key = std::make_tuple(query->row.session, query->row.reason, response);
  CountedQueries& counted = gathered_[key];
  if (!counted.first) counted.first = query;
  ++counted.count;
  if (response == Response::kDue) counted.to_answer.push_back(query);
  if (counted.to_answer.size() >= kMaxToAnswer) {
    const auto node = gathered_.extract(key);
    return record_(node.mapped());
  }
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(timer_.get())) != 0) return;
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<FloodCounter*>(timer->data)->Flush(); },
      kWindow_ms, 0);
}

void FloodCounter::Flush() {
  for (const auto& [key, counted] : std::exchange(gathered_, {})) record_(counted);
}

}  // namespace namegate::resolver
