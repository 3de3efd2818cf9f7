#include "attention.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include "attention_mask.h"
#include "isa.h"

namespace corpusmill::tensor {

namespace {

// Up to so many queries are computed one by one, along the memory of the keys, instead of in blocks.
constexpr size_t kRowQueries = 4;
// Keys that such a query meets in one task; fixed, so that the number of threads does not show in the result.
constexpr size_t kRowKeys = 256;
// Multiplications below which waking other threads costs more than they save.
constexpr size_t kSmallWork = 200'000;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }
// Whole cache lines, so that threads share none.
size_t padded(size_t floats) { return (floats + 31) / 16 * 16; }
float* aligned(float* p) { return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(p) + 63) / 64 * 64); }

// Hands out tasks 0, 1, … to whichever thread is free.
template <typename Task>
void share(ThreadTeam& team, size_t tasks, size_t work, const Task& task) {
  if (work < kSmallWork || tasks < 2) {
    for (size_t i = 0; i < tasks; i++) task(i, size_t{0});
    return;
  }
  std::atomic<size_t> next{0};
  team.run([&](size_t thread) {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) task(i, thread);
  });
}

// The part of a head that the direction needs no more of is left null.
AttentionHead head_of(const AttentionShape& shape, const float* q, const float* k, const float* v, size_t b, size_t h) {
  const size_t width = shape.head_size, key_head = h / (shape.query_heads / shape.key_heads);
  AttentionHead head{};
  head.head_size = width;
  head.query_stride = shape.query_heads * width;
  head.key_stride = shape.key_heads * width;
  head.lse_stride = shape.query_heads;
  head.scale = shape.scale;
  head.q[0] = head.q[1] = head.q[2] = q + (b * shape.queries * shape.query_heads + h) * width;
  head.k = k + (b * shape.keys * shape.key_heads + key_head) * width;
  head.v = v + (b * shape.keys * shape.key_heads + key_head) * width;
  return head;
}

size_t state_stride(const AttentionShape& shape) { return padded(shape.head_size + 2); }

bool by_rows(const AttentionShape& shape) { return shape.queries <= kRowQueries; }

void set_outputs(const AttentionShape& shape, const AttentionChunks* chunks, float* out, float* lse, size_t b, size_t h,
                 AttentionHead* head) {
  const size_t at = b * shape.queries * shape.query_heads + h;
  head->out = out + at * shape.head_size;
  head->lse = lse == nullptr ? nullptr : lse + at;
  if (chunks == nullptr) return;
  head->q[1] = chunks->q_successive + at * shape.head_size;
  head->q[2] = chunks->q_inter + at * shape.head_size;
  head->chunk_length = chunks->length;
}

// Keys [first, end) of one query, cut at the borders of chunks.
bool meet_keys(const AttentionKernels& kernels, const AttentionHead& head, size_t t, size_t chunk, size_t first,
               size_t end, bool has_state, float* state, float* weights) {
  for (size_t next; first < end; first = next) {
    next = end;
    size_t kind = 0;
    if (head.chunk_length != 0) {
      const size_t key_chunk = first / head.chunk_length;
      next = std::min(end, (key_chunk + 1) * head.chunk_length);
      kind = key_chunk >= chunk ? 0 : chunk - key_chunk == 1 ? 1 : 2;
    }
    kernels.row(head, head.q[kind] + t * head.query_stride, first, next, has_state, state, weights);
    has_state = true;
  }
  return has_state;
}

void forward_rows(ThreadTeam& team, const AttentionKernels& kernels, const AttentionShape& shape,
                  const AttentionMask& mask, const float* q, const float* k, const float* v, float* out, float* lse,
                  float* scratch, const AttentionChunks* chunks) {
  const size_t parts = std::max<size_t>(1, ceil_div(shape.keys, kRowKeys)), stride = state_stride(shape);
  const size_t group = shape.query_heads / shape.key_heads, query_rows = shape.batch * shape.query_heads * shape.queries;
  float* const states = aligned(scratch);
  float* const all_weights = states + query_rows * parts * stride;
  const size_t work = 2 * query_rows * shape.keys * shape.head_size;
  share(team, shape.batch * shape.key_heads * parts, work, [&](size_t task, size_t thread) {
    const size_t part = task % parts, key_head = task / parts % shape.key_heads, b = task / parts / shape.key_heads;
    float* const weights = all_weights + thread * padded(kRowKeys);
    VisibleKeys visible;
    visible_keys(shape, mask, b, 0, shape.queries, &visible);
    for (size_t h = key_head * group; h < (key_head + 1) * group; h++) {
      AttentionHead head = head_of(shape, q, k, v, b, h);
      set_outputs(shape, chunks, out, lse, b, h, &head);
      for (size_t t = 0; t < shape.queries; t++) {
        float* const state = states + (((b * shape.query_heads + h) * shape.queries + t) * parts + part) * stride;
        const int64_t place = query_place(shape, mask, b, t);
        const size_t chunk = chunks == nullptr || place < 0 ? 0 : static_cast<size_t>(place) / chunks->length;
        bool has_state = false;
        for (const auto& [first, end] : {std::pair{visible.prefix_first[t], visible.prefix_end[t]},
                                         std::pair{visible.first[t], visible.end[t]}}) {
          has_state = meet_keys(kernels, head, t, chunk, std::max<size_t>(static_cast<size_t>(first), part * kRowKeys),
                                std::min<size_t>(static_cast<size_t>(end), (part + 1) * kRowKeys), has_state, state,
                                weights);
        }
        if (has_state) continue;
        std::fill_n(state, stride, 0.0f);
        state[0] = -1e29f;
      }
    }
  });
  share(team, query_rows, query_rows * parts * shape.head_size, [&](size_t task, size_t) {
    const size_t t = task % shape.queries, h = task / shape.queries % shape.query_heads;
    const size_t b = task / shape.queries / shape.query_heads;
    const size_t at = (b * shape.queries + t) * shape.query_heads + h;
    kernels.merge(shape.head_size, states + task * parts * stride, stride, parts, out + at * shape.head_size,
                  lse == nullptr ? nullptr : lse + at);
  });
}

// What the tasks of a backward pass share.
struct Backward {
  size_t chunk, chunks, query_blocks;
  // [batch, query_blocks]: the keys that a block of queries sees lie within.
  int32_t* hulls;
  // [batch, query_heads, query_blocks]: chunks of keys whose part is in dq.
  std::atomic<uint32_t>* done;
};

// Waits for dq's turn: chunks of keys add to a block of queries in their order, whichever thread they are on. A chunk waits
// only for one whose task was handed out before, so some task can always go on.
struct Turn {
  std::atomic<uint32_t>* done;
  uint32_t turn;
  float* dq;
  size_t rows, stride, width;
  decltype(AttentionKernels::copy_rows) copy_rows;

  static void take(void* context) {
    const Turn& self = *static_cast<Turn*>(context);
    for (uint32_t spins = 0; self.done->load(std::memory_order_acquire) != self.turn; spins++) {
      if (spins > 200) std::this_thread::yield();
    }
    if (self.turn > 0) return;
    self.copy_rows(nullptr, 0, self.rows, self.width, self.dq, self.stride);
  }
};

// Tasks enough for the threads of a large machine, chunks long enough that turning queries into lanes costs little, and
// short enough for the second cache. By the shape alone: the order of sums depends on it.
size_t backward_chunk(const AttentionShape& shape) {
  const size_t heads = shape.batch * shape.key_heads;
  for (size_t chunk = 256; chunk > 64; chunk /= 2) {
    if (heads * ceil_div(shape.keys, chunk) >= 32 && chunk < 2 * shape.keys && chunk * shape.head_size <= 16384) return chunk;
  }
  return 64;
}

size_t forward_scratch_floats(const AttentionKernels& kernels, const AttentionShape& shape) {
  return padded(kernels.forward_scratch(shape.head_size));
}

const AttentionKernels& kernels_of(const KernelTable* table) {
  return table == nullptr ? kernels().attention : table->attention;
}

}  // namespace

size_t attention_forward_scratch(const AttentionShape& shape, size_t threads, const KernelTable* table) {
  if (!by_rows(shape)) return 16 + threads * forward_scratch_floats(kernels_of(table), shape);
  const size_t parts = std::max<size_t>(1, ceil_div(shape.keys, kRowKeys));
  return 16 + shape.batch * shape.query_heads * shape.queries * parts * state_stride(shape) + threads * padded(kRowKeys);
}

size_t attention_backward_scratch(const AttentionShape& shape, size_t threads, const KernelTable* table) {
  const size_t blocks = ceil_div(shape.queries, kQueryBlock);
  return 16 + padded(shape.batch * blocks * 2) + padded(shape.batch * shape.query_heads * blocks) +
         threads * (padded(kernels_of(table).backward_scratch(shape.head_size)) +
                    4 * backward_chunk(shape) * compact_stride(shape.head_size));
}

void attention_forward(ThreadTeam& team, const AttentionShape& shape, const AttentionMask& mask, const float* q,
                       const float* k, const float* v, float* out, float* lse, float* scratch,
                       const AttentionChunks* chunks, const KernelTable* table) {
  const AttentionKernels& kernels = kernels_of(table);
  if (by_rows(shape)) {
    forward_rows(team, kernels, shape, mask, q, k, v, out, lse, scratch, chunks);
    return;
  }
  const size_t blocks = ceil_div(shape.queries, kQueryBlock), per_thread = forward_scratch_floats(kernels, shape);
  float* const first_scratch = aligned(scratch);
  const size_t work = shape.batch * shape.query_heads * shape.queries * shape.keys * shape.head_size;
  share(team, shape.batch * shape.query_heads * blocks, work, [&](size_t task, size_t thread) {
    // The later queries of a causal head, which see more keys, first: then the last tasks are short.
    const size_t block = blocks - 1 - task % blocks, h = task / blocks % shape.query_heads;
    const size_t b = task / blocks / shape.query_heads;
    AttentionHead head = head_of(shape, q, k, v, b, h);
    set_outputs(shape, chunks, out, lse, b, h, &head);
    const size_t stop = std::min(shape.queries, (block + 1) * kQueryBlock);
    for (size_t row = block * kQueryBlock, next; row < stop; row = next) {
      next = stop;
      size_t chunk = 0;
      if (chunks != nullptr) {
        const int64_t place = query_place(shape, mask, b, row);
        if (place >= 0) {
          chunk = static_cast<size_t>(place) / chunks->length;
          next = std::min(stop, row + (chunk + 1) * chunks->length - static_cast<size_t>(place));
        } else {
          next = std::min(stop, row + static_cast<size_t>(-place));
        }
      }
      VisibleKeys visible;
      visible_keys(shape, mask, b, row, next - row, &visible);
      kernels.forward(head, row, visible, chunk, first_scratch + thread * per_thread);
    }
  });
}

void attention_backward(ThreadTeam& team, const AttentionShape& shape, const AttentionMask& mask, const float* dout,
                        const float* q, const float* k, const float* v, const float* out, const float* lse, float* dq,
                        float* dk, float* dv, float* scratch, const KernelTable* table) {
  const AttentionKernels& kernels = kernels_of(table);
  const size_t group = shape.query_heads / shape.key_heads, width = shape.head_size;
  Backward plan;
  plan.chunk = backward_chunk(shape);
  plan.chunks = std::max<size_t>(1, ceil_div(shape.keys, plan.chunk));
  plan.query_blocks = ceil_div(shape.queries, kQueryBlock);
  plan.hulls = reinterpret_cast<int32_t*>(aligned(scratch));
  float* const counters = aligned(scratch) + padded(shape.batch * plan.query_blocks * 2);
  const size_t counter_count = shape.batch * shape.query_heads * plan.query_blocks;
  plan.done = reinterpret_cast<std::atomic<uint32_t>*>(counters);
  for (size_t i = 0; i < counter_count; i++) new (plan.done + i) std::atomic<uint32_t>(0);
  float* const first_scratch = counters + padded(counter_count);
  const size_t stride = compact_stride(width), compact_floats = plan.chunk * stride;
  const size_t kernel_floats = padded(kernels.backward_scratch(width)), per_thread = kernel_floats + 4 * compact_floats;
  for (size_t i = 0; i < shape.batch * plan.query_blocks; i++) {
    const size_t row = i % plan.query_blocks * kQueryBlock;
    VisibleKeys visible;
    visible_keys(shape, mask, i / plan.query_blocks, row, std::min(kQueryBlock, shape.queries - row), &visible);
    plan.hulls[2 * i] = visible.hull_first;
    plan.hulls[2 * i + 1] = visible.hull_end;
  }

  const size_t heads = shape.batch * shape.key_heads;
  const size_t work = shape.batch * shape.query_heads * shape.queries * shape.keys * width;
  share(team, heads * plan.chunks, work, [&](size_t task, size_t thread) {
    // One chunk of all heads, then the next: heads seldom wait for their turn then.
    const size_t index = task / heads, b = task % heads / shape.key_heads, key_head = task % shape.key_heads;
    const size_t first = index * plan.chunk, end = std::min(shape.keys, first + plan.chunk);
    float* const compact = first_scratch + thread * per_thread + kernel_floats;
    const size_t key_at = (b * shape.keys * shape.key_heads + key_head) * width, key_stride = shape.key_heads * width;
    const size_t keys = end - first, chunk_at = key_at + first * key_stride;
    kernels.copy_rows(k + chunk_at, key_stride, keys, width, compact, stride);
    kernels.copy_rows(v + chunk_at, key_stride, keys, width, compact + compact_floats, stride);
    for (const size_t part : {2, 3}) std::fill_n(compact + part * compact_floats, keys * stride, 0.0f);
    for (size_t h = key_head * group; h < (key_head + 1) * group; h++) {
      AttentionHead head = head_of(shape, q, k, v, b, h);
      const size_t at = b * shape.queries * shape.query_heads + h;
      head.out = const_cast<float*>(out) + at * width;
      head.lse = const_cast<float*>(lse) + at;
      head.dout = dout + at * width;
      head.dq = dq + at * width;
      head.key_stride = stride;
      head.k = compact;
      head.v = compact + compact_floats;
      head.dk = compact + 2 * compact_floats;
      head.dv = compact + 3 * compact_floats;
      for (size_t block = 0; block < plan.query_blocks; block++) {
        const size_t hull_first = static_cast<size_t>(plan.hulls[2 * (b * plan.query_blocks + block)]);
        const size_t hull_end = static_cast<size_t>(plan.hulls[2 * (b * plan.query_blocks + block) + 1]);
        const size_t row = block * kQueryBlock, rows = std::min(kQueryBlock, shape.queries - row);
        std::atomic<uint32_t>* const done = plan.done + (b * shape.query_heads + h) * plan.query_blocks + block;
        Turn turn{done, static_cast<uint32_t>(index - std::min(index, hull_first / plan.chunk)),
                  head.dq + row * head.query_stride, rows, head.query_stride, width, kernels.copy_rows};
        if (hull_end == 0 && index == 0) Turn::take(&turn);
        if (hull_first >= end || hull_end <= first) continue;
        VisibleKeys visible;
        visible_keys(shape, mask, b, row, rows, &visible);
        kernels.backward(head, row, visible, first, std::max(first, hull_first), std::min(end, hull_end), Turn::take, &turn,
                         first_scratch + thread * per_thread);
        done->store(turn.turn + 1, std::memory_order_release);
      }
    }
    kernels.copy_rows(compact + 2 * compact_floats, stride, keys, width, dk + chunk_at, key_stride);
    kernels.copy_rows(compact + 3 * compact_floats, stride, keys, width, dv + chunk_at, key_stride);
  });
}

}  // namespace corpusmill::tensor
