// MinHash signatures: signature[k] = min over i of (multipliers[k] * hashes[i] + increments[k]) mod 2^32.
// The family, why it is sound and its sources are in src/dedup/minhash-kernel.ts, whose function gives the same bits.
// Idea: keep a block of permutations (multiplier, increment, running minimum) in vector registers and stream the hashes
// past it, so memory traffic is 4 bytes per hash and block. Measured by `npm run bench -- dedup`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::minhash {

// Instruction sets, slowest first. Portable code is what the compiler makes of a plain loop (NEON on arm64).
enum class Path : int { kPortable = 0, kAvx2 = 1, kAvx512 = 2 };

// The fastest path this processor can run.
Path best_path();
const char* path_name(Path path);

// `permutations` entries in multipliers, increments and signature; no alignment needed. With no hashes every entry
// is 2^32 - 1. `path` must not exceed best_path().
void signature(const uint32_t* hashes, size_t count, const uint32_t* multipliers, const uint32_t* increments,
               size_t permutations, uint32_t* signature, Path path);

// Two words of key for each band of `rows` entries: see bandKeys in src/dedup/lsh.ts, which gives the same bits.
void band_keys(const uint32_t* signature, size_t bands, size_t rows, uint32_t* keys);

}  // namespace corpusmill::minhash
