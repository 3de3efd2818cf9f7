// Sums over rows of 32-bit floats, for the processor that runs them: rows are blocks of 16 columns, each on a cache line.
// Columns are added on their own, so every instruction set gives the same bits; only `dot` adds columns together, block by
// block, each as a tree.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::fasttext {

constexpr size_t kBlock = 16;

struct RowKernels {
  // out [blocks] = share · sum of the listed rows of `base`, added from first to last. The rows `next` are fetched for the next
  // call.
  void (*mean)(const float* base, size_t blocks, const uint32_t* rows, size_t count, const uint32_t* next,
               size_t next_count, float share, float* out);
  float (*dot)(const float* a, const float* b, size_t blocks);
  // gradient += step · weights, then weights += step · hidden.
  void (*step)(float step, const float* hidden, float* weights, float* gradient, size_t blocks);
  // Adds `gradient` to each of the listed rows, as often as it is listed.
  void (*add)(float* base, size_t blocks, const uint32_t* rows, size_t count, const float* gradient);
};

// The fastest that this processor can run.
const RowKernels& row_kernels();

}  // namespace corpusmill::fasttext
