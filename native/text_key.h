// The 128-bit key of a text: xxHash64 (Yann Collet, "xxHash fast digest algorithm", format description 0.1.1) of its
// UTF-8 under two seeds. The twin that gives the same bits is in src/dedup/text-key.ts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::text_key {

// Those of a key.
constexpr uint64_t kSeeds[2] = {0, 0x9e3779b97f4a7c15};

// xxHash64 under both seeds in one pass over the bytes.
void xxh64_twice(const uint8_t* bytes, size_t length, const uint64_t seeds[2], uint64_t hashes[2]);

}  // namespace corpusmill::text_key
