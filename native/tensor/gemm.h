// Products of row-major matrices of 32-bit floats, C = alpha · op(A) · op(B) (+ C) (+ bias), on a team of threads.
//
// Kernels of the processor's instruction set (gemm_kernels.inl) multiply rectangles of C; here each thread gets its
// rectangle. An element of C is summed in an order that k and the call's m alone decide, so results do not depend on the number of
// threads. Threads share nothing and wait for each other once a call. On one core of a Zen 5 server products of a
// transformer run at 85 to 93 % of the rate of multiply-adds in registers (`npm run bench -- gemm`).
//
// Nothing is checked here: sizes are the caller's word. Matrices must not overlap C. A size may be 0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../thread_team.h"

namespace corpusmill::tensor {

struct GemmShape {
  // C is [m, n]; op(A) is [m, k] and op(B) [k, n].
  size_t m = 0, n = 0, k = 0;
  // The transposed matrix is what lies in memory: A [k, m], B [n, k] (weights [out, in] are a transposed B).
  bool transpose_a = false, transpose_b = false;
  // Floats from a row in memory to the next one; 0: rows follow each other.
  size_t a_row = 0, b_row = 0, c_row = 0;
  float alpha = 1;
  // Add to what is in C, which otherwise need not be initialized.
  bool accumulate = false;
};

// One product; `bias` [n] or null is added to each row.
struct GemmCall {
  GemmShape shape;
  const float* a;
  const float* b;
  float* c;
  const float* bias = nullptr;
};

void gemm(ThreadTeam& team, const GemmShape& shape, const float* a, const float* b, float* c,
          const float* bias = nullptr);

// Several products, independent of each other, in one go of the team: the query, key and value of one input, say.
void gemm_many(ThreadTeam& team, const GemmCall* calls, size_t count);

// Rows [offsets[e], offsets[e + 1]) belong to expert e; offsets has experts + 1 entries and ascends.
struct GroupedShape {
  size_t experts = 0, n = 0, k = 0;
  const int32_t* offsets = nullptr;
  bool transpose_b = false;
  float alpha = 1;
  bool accumulate = false;
};

// Rows of an expert by its own matrix: C [rows, n] = A [rows, k] · op(B[e]), B being [experts, k, n], or [experts, n, k] when
// transposed. Forward: X [rows, in], W [experts, out, in] transposed; for dX: dY [rows, out], the same W as it is.
void grouped_gemm(ThreadTeam& team, const GroupedShape& shape, const float* a, const float* b, float* c);

// An expert's matrix from its rows, C[e] [n, k] = A_eᵀ [n, rows of e] · B_e [rows of e, k]: dW [experts, out, in] from dY
// [rows, out] and X [rows, in], with n = out and k = in. An expert without rows gets zeros (or keeps C when accumulating).
void grouped_gemm_weights(ThreadTeam& team, const GroupedShape& shape, const float* a, const float* b, float* c);

// Billions of floating-point operations a second of multiply-adds in registers, `threads` at once for about `seconds`:
// what no product can exceed.
double fma_peak(size_t threads, double seconds);

}  // namespace corpusmill::tensor
