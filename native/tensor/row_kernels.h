// Rotary positions, sums over rows and columns, and the rows that embeddings and experts add up: what operations_rope.cc,
// operations_reduce.cc, operations_embedding.cc and operations_moe.cc ask of an instruction set. See row_kernels.inl.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::tensor {

struct RowKernels {
  // Rotates `heads` heads of 2·half entries by cos and sin [half]; y may be x. Pairs (i, i + half), or (2i, 2i + 1).
  void (*rotate)(const float* x, const float* cos, const float* sin, size_t heads, size_t half, bool inverse, float* y);
  void (*rotate_interleaved)(const float* x, const float* cos, const float* sin, size_t heads, size_t half, bool inverse,
                             float* y);
  // The sum of x, pieces of 1024 entries added up in float64.
  double (*sum)(const float* x, size_t count);
  double (*sum_of_squares)(const float* x, size_t count);
  // out += the sum of `rows` rows of x, `stride` apart, each of `columns` entries.
  void (*add_columns)(const float* x, size_t rows, size_t stride, size_t columns, float* out);
  // How many entries are not finite.
  size_t (*count_non_finite)(const float* x, size_t count);
  // out += row.
  void (*add_row)(const float* row, size_t columns, float* out);
  // out = weight · row, out += weight · row.
  void (*scale_row)(const float* row, float weight, size_t columns, float* out);
  void (*add_scaled_row)(const float* row, float weight, size_t columns, float* out);
  // out = weight · row; returns row · other.
  float (*scale_and_dot)(const float* row, float weight, const float* other, size_t columns, float* out);
  // The softmax of a row; out may be x.
  void (*softmax)(const float* x, size_t columns, float* out);
};

}  // namespace corpusmill::tensor
