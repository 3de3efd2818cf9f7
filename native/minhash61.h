// datatrove's MinHash: word n-grams hashed by xxHash or SHA-1, permuted modulo the Mersenne prime 2^61 - 1.
// What it is for, its formula and its sources are in src/dedup/minhash/mersenne.ts, whose twin gives the same bits.
// Idea: n-grams of words that are joined by one space are stretches of one buffer, so none is copied; then blocks of
// permutations stay in registers while the hashes stream past. Measured by `npm run bench -- dedup`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::minhash61 {

enum class HashFunction : int { kXxhash = 0, kSha1 = 1 };

// xxHash64 or xxHash32 with seed 0, or the first 8 or 4 bytes of SHA-1 as a little-endian number.
uint64_t hash(const uint8_t* data, size_t length, HashFunction function, int bits);

// `bytes` are words with one space (0x20) between each two. Writes for each k the minimum over all windows of `window`
// words of ((a[k] * hash + b[k]) mod 2^64) mod (2^61 - 1), for 32 bits its low half; 2^64 - 1 where there is no window.
// Returns the number of windows.
size_t signature(const uint8_t* bytes, size_t length, size_t window, HashFunction function, int bits,
                 const uint64_t* multipliers, const uint64_t* increments, size_t permutations, uint64_t* signature);

}  // namespace corpusmill::minhash61
