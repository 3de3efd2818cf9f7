#include "fasttext_row_kernels.h"

#include <algorithm>
#include <cstring>

#include "inline.h"

#ifdef CORPUSMILL_X86
#include <immintrin.h>
#endif

namespace corpusmill::fasttext {
namespace {

// Rows are fetched so many before they are added.
constexpr size_t kAhead = 24;

CORPUSMILL_INLINE void fetch(const float* base, size_t blocks, uint32_t row) {
#if defined(__GNUC__) || defined(__clang__)
  for (size_t block = 0; block < blocks; block++) __builtin_prefetch(base + (row * blocks + block) * kBlock, 1);
#else
  (void)base, (void)blocks, (void)row;
#endif
}

// The sums of some blocks, from block `first` on, stay in registers while the rows go by. The call for the first blocks fetches
// the rows that are to come, whole.
struct List {
  const float* base;
  size_t blocks, first;
  const uint32_t* rows;
  size_t count;
  const uint32_t* next;
  size_t next_count;
};

CORPUSMILL_INLINE const float* row_at(const List& list, size_t i) {
  if (list.first == 0) {
    const size_t ahead = i + kAhead;
    if (ahead < list.count) {
      fetch(list.base, list.blocks, list.rows[ahead]);
    } else if (ahead - list.count < list.next_count) {
      fetch(list.base, list.blocks, list.next[ahead - list.count]);
    }
  }
  return list.base + (list.rows[i] * list.blocks + list.first) * kBlock;
}

void mean_portable(const List& list, float share, float* out) {
  float sums[kBlock] = {};
  for (size_t i = 0; i < list.count; i++) {
    const float* const row = row_at(list, i);
    for (size_t k = 0; k < kBlock; k++) sums[k] += row[k];
  }
  for (size_t k = 0; k < kBlock; k++) out[k] = sums[k] * share;
}

#ifdef CORPUSMILL_X86
template <int B>
__attribute__((target("avx2"))) void mean_avx2(const List& list, float share, float* out) {
  __m256 sums[2 * B];
#pragma GCC unroll 8
  for (int j = 0; j < 2 * B; j++) sums[j] = _mm256_setzero_ps();
  for (size_t i = 0; i < list.count; i++) {
    const float* const row = row_at(list, i);
#pragma GCC unroll 8
    for (int j = 0; j < 2 * B; j++) sums[j] = _mm256_add_ps(sums[j], _mm256_load_ps(row + 8 * j));
  }
#pragma GCC unroll 8
  for (int j = 0; j < 2 * B; j++) _mm256_store_ps(out + 8 * j, _mm256_mul_ps(sums[j], _mm256_set1_ps(share)));
}

template <int B>
__attribute__((target("avx512f"))) void mean_avx512(const List& list, float share, float* out) {
  __m512 sums[B];
#pragma GCC unroll 8
  for (int j = 0; j < B; j++) sums[j] = _mm512_setzero_ps();
  for (size_t i = 0; i < list.count; i++) {
    const float* const row = row_at(list, i);
#pragma GCC unroll 8
    for (int j = 0; j < B; j++) sums[j] = _mm512_add_ps(sums[j], _mm512_load_ps(row + 16 * j));
  }
#pragma GCC unroll 8
  for (int j = 0; j < B; j++) _mm512_store_ps(out + 16 * j, _mm512_mul_ps(sums[j], _mm512_set1_ps(share)));
}
#endif

using MeanBlocks = void (*)(const List&, float, float*);

// By the number of blocks taken at once, 1 to `most`.
CORPUSMILL_INLINE void mean_of(const MeanBlocks* kernels, size_t most, const float* base, size_t blocks,
                               const uint32_t* rows, size_t count, const uint32_t* next, size_t next_count,
                               float share, float* out) {
  for (size_t first = 0; first < blocks;) {
    const size_t taken = std::min(most, blocks - first);
    kernels[taken - 1](List{base, blocks, first, rows, count, next, next_count}, share, out + first * kBlock);
    first += taken;
  }
}

CORPUSMILL_INLINE float dot_body(const float* a, const float* b, size_t blocks) {
  float sum = 0;
  for (size_t block = 0; block < blocks; block++, a += kBlock, b += kBlock) {
    float products[kBlock];
    for (size_t k = 0; k < kBlock; k++) products[k] = a[k] * b[k];
    for (size_t k = 0; k < 8; k++) products[k] += products[k + 8];
    for (size_t k = 0; k < 4; k++) products[k] += products[k + 4];
    sum += (products[0] + products[2]) + (products[1] + products[3]);
  }
  return sum;
}

CORPUSMILL_INLINE void step_body(float step, const float* __restrict hidden, float* __restrict weights,
                                 float* __restrict gradient, size_t blocks) {
  for (size_t k = 0; k < blocks * kBlock; k++) {
    gradient[k] += step * weights[k];
    weights[k] += step * hidden[k];
  }
}

CORPUSMILL_INLINE void add_body(float* base, size_t blocks, const uint32_t* rows, size_t count,
                                const float* __restrict gradient) {
  for (size_t i = 0; i < count; i++) {
    float* __restrict const row = base + rows[i] * blocks * kBlock;
    for (size_t k = 0; k < blocks * kBlock; k++) row[k] += gradient[k];
  }
}

// The kernels of one instruction set.
#define CORPUSMILL_ROW_KERNELS(name, target, most, ...)                                                              \
  target void mean_##name##_all(const float* base, size_t blocks, const uint32_t* rows, size_t count,                \
                                const uint32_t* next, size_t next_count, float share, float* out) {                 \
    static constexpr MeanBlocks kKernels[] = {__VA_ARGS__};                                                         \
    mean_of(kKernels, most, base, blocks, rows, count, next, next_count, share, out);                               \
  }                                                                                                                 \
  target float dot_##name(const float* a, const float* b, size_t blocks) { return dot_body(a, b, blocks); }          \
  target void step_##name(float step, const float* hidden, float* weights, float* gradient, size_t blocks) {         \
    step_body(step, hidden, weights, gradient, blocks);                                                             \
  }                                                                                                                 \
  target void add_##name(float* base, size_t blocks, const uint32_t* rows, size_t count, const float* gradient) {    \
    add_body(base, blocks, rows, count, gradient);                                                                  \
  }                                                                                                                 \
  constexpr RowKernels k_##name{mean_##name##_all, dot_##name, step_##name, add_##name};

CORPUSMILL_ROW_KERNELS(portable, , 1, mean_portable)
#ifdef CORPUSMILL_X86
CORPUSMILL_ROW_KERNELS(avx2, __attribute__((target("avx2"))), 4, mean_avx2<1>, mean_avx2<2>, mean_avx2<3>, mean_avx2<4>)
CORPUSMILL_ROW_KERNELS(avx512, __attribute__((target("avx512f"))), 8, mean_avx512<1>, mean_avx512<2>, mean_avx512<3>,
                       mean_avx512<4>, mean_avx512<5>, mean_avx512<6>, mean_avx512<7>, mean_avx512<8>)
#endif
#undef CORPUSMILL_ROW_KERNELS

}  // namespace

const RowKernels& row_kernels() {
#ifdef CORPUSMILL_X86
  if (__builtin_cpu_supports("avx512f")) return k_avx512;
  if (__builtin_cpu_supports("avx2")) return k_avx2;
#endif
  return k_portable;
}

}  // namespace corpusmill::fasttext
