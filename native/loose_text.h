// A text as dedup.exact compares it with `normalize: loose`: NFKC, lower case, runs of white space as one space, none at the ends.
// The table comes from src/dedup/loose-key.ts, where the twin is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fold_table.h"

namespace corpusmill::loose_text {

// Folds UTF-16 units into `out`, which has room for kMostFoldUnits of each, and returns their number, or -1 when a character asks for
// JavaScript's functions on strings.
int64_t fold(const uint16_t* units, size_t length, const FoldTable& table, uint16_t* out);

}  // namespace corpusmill::loose_text
