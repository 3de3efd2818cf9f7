// Disjoint sets over ordinals, joined by pairs, and pairs divided by what hangs together: src/dedup/union-find.ts and
// component-groups.ts, which have the twins.
//
// An ordinal's parent is never larger than itself, so a root is the smallest member of its set. Other threads may join
// members of other sets in the same memory meanwhile; whatever they write there, nothing outside of it is touched.
//
// Time: 5 ns a pair in the cache; beyond it what is looked at is asked for ahead.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

// Joins the sets of both members of each pair. False: a member is none of `size`; the pairs before it are joined.
bool union_pairs(uint32_t* parents, size_t size, const uint32_t* pairs, size_t count);

// Copies the pairs to `out` group after group, in their order within each: a pair's group is the mixed root of its second
// member modulo `groups`. `sizes` gets their numbers of pairs. False: a second member is none of `size`.
bool divide_pairs(uint32_t* parents, size_t size, const uint32_t* pairs, size_t count, size_t groups, uint32_t* out,
                  uint32_t* sizes);

}  // namespace corpusmill
