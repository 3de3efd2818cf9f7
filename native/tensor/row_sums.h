// Sums over the rows of a matrix, shared out among threads: a row of sums for each block of rows, added up at the end in
// the order of the blocks. How rows are cut into blocks follows from their number alone.
#pragma once

#include <cstddef>

#include "operation.h"

namespace corpusmill::tensor {

// Blocks have at least 32 rows (but the last) and there are at most 64.
size_t row_sum_blocks(size_t rows);
// The first row of a block.
size_t row_sum_start(size_t rows, size_t block);

// Calls task(block, from, to) for every block of rows, on all threads.
template <typename Task>
void over_row_blocks(RunContext& context, size_t rows, size_t columns, Task&& task) {
  const size_t blocks = row_sum_blocks(rows);
  if (blocks == 0) return;
  const size_t entries = rows * columns / blocks;
  context.split(blocks, 16384 / (entries + 1) + 1, [&](size_t from, size_t to, size_t) {
    for (size_t block = from; block < to; block++) {
      task(block, row_sum_start(rows, block), row_sum_start(rows, block + 1));
    }
  });
}

// out [columns] = addend (null: 0) + the sums of all blocks, which lie `stride` apart.
void add_row_blocks(RunContext& context, size_t rows, size_t columns, size_t stride, const float* sums,
                    const float* addend, float* out);

}  // namespace corpusmill::tensor
