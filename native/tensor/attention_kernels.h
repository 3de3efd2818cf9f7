// What attention.cc asks of an instruction set: one block of queries of one head at a time. See attention_forward.inl,
// attention_backward.inl and attention_rows.inl.
#pragma once

#include <cstddef>
#include <cstdint>

#include "attention_mask.h"

namespace corpusmill::tensor {

// Floats between rows of copies that kernels make: whole cache lines, next to each other. Rows of several heads lie a power
// of two apart, often enough to fall on the same few places of the first cache.
constexpr size_t compact_stride(size_t head_size) { return (head_size + 15) / 16 * 16; }

// One head of one batch row: pointers to its first number, strides in floats between rows.
struct AttentionHead {
  size_t head_size;
  size_t query_stride, key_stride, lse_stride;
  float scale;
  // The three rotations of dual chunk attention; without it all chunks are one.
  const float* q[3];
  size_t chunk_length;
  const float *k, *v;
  float *out, *lse;
  // Backward only.
  const float* dout;
  float *dq, *dk, *dv;
};

struct AttentionKernels {
  // Floats of scratch for one call of forward, and of backward.
  size_t (*forward_scratch)(size_t head_size);
  size_t (*backward_scratch)(size_t head_size);
  // Outputs of queries [row, row + visible.rows) of a head. With chunks all of them are of one, the `chunk`-th.
  void (*forward)(const AttentionHead& head, size_t row, const VisibleKeys& visible, size_t chunk, float* scratch);
  // What these queries and keys [first, end) add to dq, dk and dv, where k, v, dk and dv point to compact copies of the
  // chunk that begins at key `origin`. Calls before_dq(context) before it touches dq.
  void (*backward)(const AttentionHead& head, size_t row, const VisibleKeys& visible, size_t origin,
                   size_t first, size_t end, void (*before_dq)(void*), void* context, float* scratch);
  // One query against keys [first, end): state is its maximum score (in powers of two), sum, and head_size numbers of
  // unnormalised output. `weights` has room for end - first floats, rounded up to 16. Adds to the state if `has_state`.
  void (*row)(const AttentionHead& head, const float* q, size_t first, size_t end, bool has_state, float* state,
              float* weights);
  // Writes the output and lse of a query from `parts` states, `stride` floats apart.
  void (*merge)(size_t head_size, const float* states, size_t stride, size_t parts, float* out, float* lse);
  // Copies rows of numbers; from null: zeros.
  void (*copy_rows)(const float* from, size_t from_stride, size_t rows, size_t width, float* to, size_t to_stride);
};

}  // namespace corpusmill::tensor
