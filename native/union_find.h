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

  // Smallest member of the ordinal's set, with path halving. A parent that is no smaller than its child is taken for none, so
  // that no memory can lead astray.
  CORPUSMILL_INLINE uint32_t find(uint32_t ordinal) const {
    for (uint32_t up = parent_of(ordinal); up < ordinal; up = parent_of(ordinal)) {
      const uint32_t parent = parent_of(up), next = parent < up ? parent : up;
      set_parent(ordinal, next);
      ordinal = next;
    }
    return ordinal;
  }

  CORPUSMILL_INLINE void join(uint32_t a, uint32_t b) const {
    const uint32_t x = find(a), y = find(b);
    if (x < y) set_parent(y, x);
    else if (y < x) set_parent(x, y);
  }

 private:
  // Read and written whole and once, as other threads may do; not by std::atomic_ref, which Apple's library has not.
  uint32_t parent_of(uint32_t ordinal) const { return *static_cast<const volatile uint32_t*>(parents_ + ordinal); }
  void set_parent(uint32_t ordinal, uint32_t parent) const {
    *static_cast<volatile uint32_t*>(parents_ + ordinal) = parent;
  }

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
