// The mask of attention as intervals of keys: what a block of queries sees, without a look at single pairs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "attention.h"

namespace corpusmill::tensor {

// Queries that are computed together.
constexpr size_t kQueryBlock = 64;

// Query r of the block sees keys [first[r], end[r]) and [prefix_first[r], prefix_end[r]); both may be empty, then they
// are [0, 0). Entries from `rows` on repeat the last row's, so that no block of lanes is cut by them.
struct VisibleKeys {
  size_t rows;
  int32_t first[kQueryBlock], end[kQueryBlock];
  int32_t prefix_first[kQueryBlock], prefix_end[kQueryBlock];
  // All of them lie within.
  int32_t hull_first, hull_end;
};

// Of queries [row, row + rows) of batch row b; rows <= kQueryBlock.
void visible_keys(const AttentionShape& shape, const AttentionMask& mask, size_t b, size_t row, size_t rows,
                  VisibleKeys* visible);

// The place of query `row` among its keys, which may be negative.
int64_t query_place(const AttentionShape& shape, const AttentionMask& mask, size_t b, size_t row);

}  // namespace corpusmill::tensor
