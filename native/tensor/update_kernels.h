// The optimizer's step and the random numbers of dropout: what operations_optimizer.cc and operations_dropout.cc ask of an
// instruction set. See update_kernels.inl.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::tensor {

// The numbers of one AdamW step, as the formula in operations.ts uses them.
struct AdamwStep {
  float factor, beta1, one_minus_beta1, beta2, one_minus_beta2, eps;
  // lr · decay; lr / c1; 1 / sqrt(c2).
  float decay, rate, inverse_root;
};

// Dropout's generator: see src/tensor/reference/dropout.ts.
struct DropoutDraw {
  uint32_t key[2];
  uint32_t stream;
  // An entry is kept when its 32 bits are at least this.
  uint32_t threshold;
  float scale;
};

// Entries that share one round of counters: 16 counters of 4 numbers.
constexpr size_t kDropoutBlock = 64;

struct UpdateKernels {
  void (*adamw)(const AdamwStep& step, size_t count, float* p, const float* g, float* m, float* v);
  // Entries first to first + count of a tensor; `first` is a multiple of kDropoutBlock, x and y point to entry `first`.
  void (*dropout)(const DropoutDraw& draw, uint64_t first, size_t count, const float* x, float* y);
};

}  // namespace corpusmill::tensor
