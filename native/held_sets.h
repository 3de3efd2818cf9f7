// The sets of representatives that wait for their members, one behind the other in one array; gaps that released ones left
// are closed when they are a third of what lies there. The twin is src/dedup/held-sets.ts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "likeness.h"

namespace corpusmill {

// Memory for values, reserved at once: it costs memory only as far as it is used.
class ValueStore {
 public:
  // Room for so many values; the first `used` stay. False when there is no memory.
  bool reserve(size_t values, size_t used);
  size_t capacity() const { return capacity_; }
  uint32_t* data() { return data_; }
  const uint32_t* data() const { return data_; }

 private:
  std::unique_ptr<uint32_t[]> memory_;
  // Begins with a large page, where it is worth one.
  uint32_t* data_ = nullptr;
  size_t capacity_ = 0;
};

// A set in a store.
struct StoredSet {
  uint32_t ordinal;
  uint32_t shingles;
  uint32_t tokens;
  size_t start;

  size_t size() const { return static_cast<size_t>(shingles) + tokens; }
  likeness::Held in(const ValueStore& store) const {
    return {store.data() + start, shingles, store.data() + start + shingles, tokens};
  }
};

class HeldSets {
 public:
  // `most_values`: as many as are held together; more are taken, but then they are copied.
  explicit HeldSets(size_t most_values) : most_values_(most_values) {}

  // Sets held, and values in them.
  size_t sets() const { return sets_; }
  size_t values() const { return live_; }
  // An ordinal that is not held. False when there is no memory.
  bool put(uint32_t ordinal, const likeness::Held& set);
  // Null when it is not held; good until the next `put`.
  const StoredSet* find(uint32_t ordinal) const;
  likeness::Held values_of(const StoredSet& set) const { return set.in(store_); }
  void release(const StoredSet* set);
  // Releases all.
  void clear();

 private:
  // A released set has no such ordinal, and neither has an empty slot of the table.
  static constexpr uint32_t kNobody = UINT32_MAX;

  bool make_room(size_t size);
  size_t home_of(uint32_t ordinal) const;
  void insert(uint32_t ordinal, uint32_t place);
  void remove(uint32_t ordinal);
  void grow_table();

  const size_t most_values_;
  ValueStore store_;
  // In the order of the store.
  std::vector<StoredSet> order_;
  // By ordinal, open addressing: where a set is in `order_`.
  struct Entry {
    uint32_t ordinal = kNobody;
    uint32_t place = 0;
  };
  std::vector<Entry> table_;
  size_t sets_ = 0;
  size_t end_ = 0;
  size_t live_ = 0;
  // How far the store is used before gaps are closed.
  size_t limit_ = 0;
};

}  // namespace corpusmill
