#include "row_sums.h"

#include <cstring>

#include "entries.h"
#include "isa.h"

namespace corpusmill::tensor {

size_t row_sum_blocks(size_t rows) {
  const size_t blocks = (rows + 31) / 32;
  return blocks < 64 ? blocks : 64;
}

size_t row_sum_start(size_t rows, size_t block) {
  const size_t blocks = row_sum_blocks(rows);
  return rows / blocks * block + rows % blocks * block / blocks;
}

void add_row_blocks(RunContext& context, size_t rows, size_t columns, size_t stride, const float* sums,
                    const float* addend, float* out) {
  const size_t blocks = row_sum_blocks(rows);
  split_entries(context, columns, kLeastEntries / (blocks + 1), [&](size_t from, size_t to) {
    if (addend == nullptr) std::memset(out + from, 0, (to - from) * sizeof(float));
    else if (addend != out) std::memcpy(out + from, addend + from, (to - from) * sizeof(float));
    kernels().rows.add_columns(sums + from, blocks, stride, to - from, out + from);
  });
}

}  // namespace corpusmill::tensor
