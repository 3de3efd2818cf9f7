// Sorts pairs of ordinals and drops repeats: src/dedup/pair-set.ts, whose twin uses V8's own sort.
//
// A pair is one 64-bit number, and pairs are sorted by the bytes in which they differ: what the L2 cache holds twice, from the
// lowest byte on, between its place and a scratch (LSD radix sort); more than that is first divided in place by its highest
// bits (American flag sort, McIlroy, Bostic & McIlroy 1993).
//
// Time: 8 ns a pair for 100,000, 20 for ten million; std::sort, V8's, 65. Memory: 256 KiB.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

// Sorts `count` numbers, ascending, and moves the different ones to the front; how many they are.
size_t sort_distinct(uint64_t* pairs, size_t count);

}  // namespace corpusmill
