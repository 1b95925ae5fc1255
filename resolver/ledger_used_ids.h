#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "common/ledger_seal.h"

namespace namegate::resolver {

// A set of row ids, in bits: ids of one table lie close together.
class IdSet {
 public:
  void Add(int64_t id) { chunks_[id >> kChunkBits][Word(id)] |= Bit(id); }
  bool Contains(int64_t id) const {
    const auto chunk = chunks_.find(id >> kChunkBits);
    return chunk != chunks_.end() && (chunk->second[Word(id)] & Bit(id)) != 0;
  }

 private:
  static constexpr int kChunkBits = 12;
  using Chunk = std::array<uint64_t, (1 << kChunkBits) / 64>;
  static size_t Word(int64_t id) { return static_cast<size_t>(id >> 6) % Chunk{}.size(); }
  static uint64_t Bit(int64_t id) { return uint64_t{1} << (id & 63); }

  std::unordered_map<int64_t, Chunk> chunks_;
};

// Rows that a removal must leave, by the place of their table in kSealedTables: what later rows
// refer to. Only those up to the removal's marks matter.
class UsedIds {
 public:
  explicit UsedIds(const SealMarks& marks) : marks_(marks) {}

  void Add(size_t table, int64_t id) {
    if (id <= marks_[table]) ids_[table].Add(id);
  }
  bool Contains(size_t table, int64_t id) const { return ids_[table].Contains(id); }
  const SealMarks& marks() const { return marks_; }

 private:
  SealMarks marks_;
  std::array<IdSet, kSealedTableCount> ids_;
};

}  // namespace namegate::resolver
