// Scaled dot-product attention by blocks, forward and backward: softmax(scale·QKᵀ + mask)·V without the matrix of scores.
//
// After FlashAttention (Dao et al., arXiv:2205.14135; Dao, arXiv:2307.08691): keys pass by in blocks, the softmax is kept
// as a running maximum and sum, and the backward pass computes the probabilities again from the log-sum-exp. Blocks that
// the mask leaves nothing of are never touched, so cost follows the pairs that see each other.
//
// All arrays are row-major float32 as the projections write and read them, with no transposes:
//   q, out, dout, dq   [batch·queries, query_heads·head_size]
//   k, v, dk, dv       [batch·keys, key_heads·head_size]
//   lse                [batch·queries, query_heads], the natural log of the sum of exp(scale·q·k) over visible keys
// Query head h reads key head h / (query_heads / key_heads). Results are the same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../thread_team.h"

namespace corpusmill::tensor {

struct KernelTable;

struct AttentionShape {
  size_t batch, queries, keys, query_heads, key_heads, head_size;
  float scale;
};

// Which keys a query sees. The query in row t of a batch row is at place i = end - queries + t of its keys, where `end` is
// that of key_range, otherwise `keys`. It sees key j when all of these hold:
//   - first <= j < end, of key_range;
//   - segment_ids[j] == segment_ids[t], if there are any;
//   - j < prefix, or: j <= i if causal, and i - j < window if there is one.
// A query that sees nothing has output 0, lse -infinity and no gradients.
struct AttentionMask {
  bool causal = true;
  // 0: none.
  size_t window = 0;
  // [batch, keys], never decreasing within a row; documents packed into rows. Only where queries == keys.
  const int32_t* segment_ids = nullptr;
  // [batch]
  const int32_t* prefix = nullptr;
  // [batch, 2]: the first key in use, and the end of those in use (exclusive) of a cache of `keys` rows. Clamped to it.
  const int32_t* key_range = nullptr;
};

// Dual chunk attention (An et al., arXiv:2402.17463): which of three rotations of a query meets a key depends on how many
// chunks lie between their places: none, one, more. With `q` as the first. Only forward.
struct AttentionChunks {
  const float* q_successive;
  const float* q_inter;
  size_t length;
};

// `table` is an instruction set's (isa.h), by default the chosen one's.
//
// Floats of scratch memory that a call needs; it may be uninitialised and is free again afterwards.
size_t attention_forward_scratch(const AttentionShape& shape, size_t threads, const KernelTable* table = nullptr);
size_t attention_backward_scratch(const AttentionShape& shape, size_t threads, const KernelTable* table = nullptr);

// lse may be null.
void attention_forward(ThreadTeam& team, const AttentionShape& shape, const AttentionMask& mask, const float* q,
                       const float* k, const float* v, float* out, float* lse, float* scratch,
                       const AttentionChunks* chunks = nullptr, const KernelTable* table = nullptr);

// Overwrites dq, dk and dv.
void attention_backward(ThreadTeam& team, const AttentionShape& shape, const AttentionMask& mask, const float* dout,
                        const float* q, const float* k, const float* v, const float* out, const float* lse, float* dq,
                        float* dk, float* dv, float* scratch, const KernelTable* table = nullptr);

}  // namespace corpusmill::tensor
