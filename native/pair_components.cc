#include "pair_components.h"

#include <algorithm>
#include <memory>

#include "mix.h"
#include "prefetch.h"
#include "union_find.h"

namespace corpusmill {

namespace {

constexpr size_t kAhead = 12;

}  // namespace

bool union_pairs(uint32_t* parents, size_t size, const uint32_t* pairs, size_t count) {
  if (size == 0) return count == 0;
  const UnionFind sets(parents);
  for (size_t i = 0; i < count; i++) {
    if (i + kAhead < count) {
      for (size_t k = 0; k < 2; k++) prefetch(parents + std::min<size_t>(pairs[2 * (i + kAhead) + k], size - 1));
    }
    const uint32_t x = pairs[2 * i], y = pairs[2 * i + 1];
    if (x >= size || y >= size) return false;
    sets.join(x, y);
  }
  return true;
}

bool divide_pairs(uint32_t* parents, size_t size, const uint32_t* pairs, size_t count, size_t groups, uint32_t* out,
                  uint32_t* sizes) {
  std::fill_n(sizes, groups, 0);
  const UnionFind sets(parents);
  const auto group_of = std::make_unique_for_overwrite<uint8_t[]>(count);
  for (size_t i = 0; i < count; i++) {
    const uint32_t member = pairs[2 * i + 1];
    if (member >= size) return false;
    group_of[i] = static_cast<uint8_t>(mix32(sets.find(member)) % groups);
    sizes[group_of[i]]++;
  }
  size_t next[256], at = 0;
  for (size_t group = 0; group < groups; group++) {
    next[group] = at;
    at += sizes[group];
  }
  for (size_t i = 0; i < count; i++) {
    uint32_t* const to = out + 2 * next[group_of[i]]++;
    to[0] = pairs[2 * i];
    to[1] = pairs[2 * i + 1];
  }
  return true;
}

}  // namespace corpusmill
