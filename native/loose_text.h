// A text as dedup.exact compares it with `normalize: loose`: NFKC, lower case, runs of white space as one space, none at the ends.
// The table comes from src/dedup/loose-key.ts, where the twin is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::loose_text {

constexpr size_t kTableUnits = 0x10000;

// Folds UTF-16 units where they lie and returns their new number, or -1 when a character asks for JavaScript's functions on strings.
int64_t fold(uint16_t* units, size_t length, const int32_t* table);

}  // namespace corpusmill::loose_text
