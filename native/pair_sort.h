// Sorts pairs of 32-bit numbers: src/dedup/pair-set.ts, whose twin it is, says what for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

// Sorts pairs, each minor | major << 32, in place, and drops repeats; how many are left.
size_t sort_pairs(uint64_t* pairs, size_t count);

}  // namespace corpusmill
