// Disjoint sets over ordinals in memory that JavaScript made: the twin is src/dedup/union-find.ts. The root of a set is
// always its smallest member, so no parent is above its child.
#pragma once

#include <cstddef>
#include <cstdint>

#include "inline.h"

namespace corpusmill {

class UnionFind {
 public:
  explicit UnionFind(uint32_t* parents) : parents_(parents) {}

  // Smallest member of the ordinal's set.
  CORPUSMILL_INLINE uint32_t find(uint32_t ordinal) const {
    uint32_t up = parents_[ordinal];
    while (up != ordinal) {
      const uint32_t next = parents_[up];
      parents_[ordinal] = next;
      ordinal = next;
      up = parents_[ordinal];
    }
    return ordinal;
  }

  CORPUSMILL_INLINE void join(uint32_t a, uint32_t b) const {
    const uint32_t x = find(a), y = find(b);
    if (x < y) parents_[y] = x;
    else if (y < x) parents_[x] = y;
  }

 private:
  uint32_t* parents_;
};

// Whether memory holds such a structure: what is checked before it is trusted.
inline bool is_union_find(const uint32_t* parents, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (parents[i] > i) return false;
  }
  return true;
}

}  // namespace corpusmill
