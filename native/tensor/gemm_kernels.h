// What gemm.cc asks of an instruction set: see gemm_kernels.inl.
#pragma once

#include <cstddef>

namespace corpusmill::tensor {

// A rectangle of C [m, n] = alpha · A [m, k] · B [k, n] (+ C) (+ bias [n]). Element (i, l) of A lies at
// a[i · a_row + l · a_column], one of the two strides being 1; B likewise.
struct GemmBlock {
  size_t m, n, k;
  const float* a;
  size_t a_row, a_column;
  const float* b;
  size_t b_row, b_column;
  float* c;
  size_t c_row;
  const float* bias;
  float alpha;
  bool accumulate;
};

struct GemmKernels {
  // Rows and columns of a tile whose sums stay in registers, and the floats of scratch memory that `block` needs.
  size_t tile_rows, tile_columns, scratch_floats;
  // Packs blocks of B into `scratch` (64-byte aligned) and goes over A for each. An element of C is the sum over k in order, in
  // pieces that depend on k alone: the same bits for whatever rectangle it is part of.
  void (*block)(const GemmBlock& block, float* scratch);
  // The same for few rows and a B whose columns lie in one piece (b_row 1), as vectors along k: reads B once.
  void (*dots)(const GemmBlock& block);
  // Runs `rounds` rounds of independent fused multiply-adds in registers; returns the floating-point operations of a round.
  size_t (*fma_chains)(size_t rounds, float* sink);
};

}  // namespace corpusmill::tensor
