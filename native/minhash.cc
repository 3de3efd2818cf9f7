#include "minhash.h"

#include <algorithm>
#include <cstring>

#include "mix.h"

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
#define CORPUSMILL_X86 1
#include <immintrin.h>
#endif

namespace corpusmill::minhash {
namespace {

// Sixteen permutations at a time: an inner loop of fixed length that compilers turn into vector code for the baseline.
constexpr size_t kPortableLanes = 16;

void portable_block(const uint32_t* hashes, size_t count, const uint32_t* a, const uint32_t* b, uint32_t* out) {
  uint32_t lowest[kPortableLanes];
  std::fill_n(lowest, kPortableLanes, UINT32_MAX);
  for (size_t i = 0; i < count; i++) {
    const uint32_t h = hashes[i];
    for (size_t lane = 0; lane < kPortableLanes; lane++) {
      lowest[lane] = std::min(lowest[lane], a[lane] * h + b[lane]);
    }
  }
  std::memcpy(out, lowest, sizeof lowest);
}

#ifdef CORPUSMILL_X86

// Four AVX2 registers of permutations: with multiplier and increment 12 of the 16 registers.
__attribute__((target("avx2"))) void avx2_block(const uint32_t* hashes, size_t count, const uint32_t* a,
                                                 const uint32_t* b, uint32_t* out) {
  const auto load = [](const uint32_t* p) __attribute__((target("avx2"))) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  };
  const __m256i a0 = load(a), a1 = load(a + 8), a2 = load(a + 16), a3 = load(a + 24);
  const __m256i b0 = load(b), b1 = load(b + 8), b2 = load(b + 16), b3 = load(b + 24);
  __m256i m0 = _mm256_set1_epi32(-1), m1 = m0, m2 = m0, m3 = m0;
  for (size_t i = 0; i < count; i++) {
    const __m256i h = _mm256_set1_epi32(static_cast<int>(hashes[i]));
    m0 = _mm256_min_epu32(m0, _mm256_add_epi32(_mm256_mullo_epi32(a0, h), b0));
    m1 = _mm256_min_epu32(m1, _mm256_add_epi32(_mm256_mullo_epi32(a1, h), b1));
    m2 = _mm256_min_epu32(m2, _mm256_add_epi32(_mm256_mullo_epi32(a2, h), b2));
    m3 = _mm256_min_epu32(m3, _mm256_add_epi32(_mm256_mullo_epi32(a3, h), b3));
  }
  auto* o = reinterpret_cast<__m256i*>(out);
  _mm256_storeu_si256(o, m0);
  _mm256_storeu_si256(o + 1, m1);
  _mm256_storeu_si256(o + 2, m2);
  _mm256_storeu_si256(o + 3, m3);
}

// V AVX-512 registers of permutations, V <= 8: with multiplier and increment 24 of the 32 registers. The last register
// may be partly filled: `last` masks its lanes.
template <int V>
__attribute__((target("avx512f"))) void avx512_block(const uint32_t* hashes, size_t count, const uint32_t* a,
                                                      const uint32_t* b, uint32_t* out, uint16_t last) {
  __m512i av[V], bv[V], m[V];
#pragma GCC unroll 8
  for (int j = 0; j < V; j++) {
    const __mmask16 mask = j == V - 1 ? last : 0xffff;
    av[j] = _mm512_maskz_loadu_epi32(mask, a + 16 * j);
    bv[j] = _mm512_maskz_loadu_epi32(mask, b + 16 * j);
    m[j] = _mm512_set1_epi32(-1);
  }
  for (size_t i = 0; i < count; i++) {
    const __m512i h = _mm512_set1_epi32(static_cast<int>(hashes[i]));
#pragma GCC unroll 8
    for (int j = 0; j < V; j++) {
      m[j] = _mm512_min_epu32(m[j], _mm512_add_epi32(_mm512_mullo_epi32(av[j], h), bv[j]));
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < V; j++) _mm512_mask_storeu_epi32(out + 16 * j, j == V - 1 ? last : 0xffff, m[j]);
}

void avx512(const uint32_t* hashes, size_t count, const uint32_t* a, const uint32_t* b, size_t permutations,
            uint32_t* out) {
  using Kernel = void (*)(const uint32_t*, size_t, const uint32_t*, const uint32_t*, uint32_t*, uint16_t);
  static constexpr Kernel kKernels[] = {avx512_block<1>, avx512_block<2>, avx512_block<3>, avx512_block<4>,
                                        avx512_block<5>, avx512_block<6>, avx512_block<7>, avx512_block<8>};
  for (size_t done = 0; done < permutations; done += 128) {
    const size_t width = std::min<size_t>(128, permutations - done);
    const size_t registers = (width + 15) / 16;
    const auto last = static_cast<uint16_t>(0xffffu >> (16 * registers - width));
    kKernels[registers - 1](hashes, count, a + done, b + done, out + done, last);
  }
}

#endif

using Block = void (*)(const uint32_t*, size_t, const uint32_t*, const uint32_t*, uint32_t*);

// Runs `block` on groups of `lanes` permutations (at most 32), the last, partial group on padded copies.
void in_blocks(Block block, size_t lanes, const uint32_t* hashes, size_t count, const uint32_t* a, const uint32_t* b,
               size_t permutations, uint32_t* out) {
  size_t done = 0;
  for (; done + lanes <= permutations; done += lanes) block(hashes, count, a + done, b + done, out + done);
  const size_t left = permutations - done;
  if (left == 0) return;
  uint32_t a_pad[32] = {}, b_pad[32] = {}, out_pad[32];
  std::memcpy(a_pad, a + done, left * sizeof *a);
  std::memcpy(b_pad, b + done, left * sizeof *b);
  block(hashes, count, a_pad, b_pad, out_pad);
  std::memcpy(out + done, out_pad, left * sizeof *out);
}

}  // namespace

Path best_path() {
#ifdef CORPUSMILL_X86
  if (__builtin_cpu_supports("avx512f")) return Path::kAvx512;
  if (__builtin_cpu_supports("avx2")) return Path::kAvx2;
#endif
  return Path::kPortable;
}

const char* path_name(Path path) {
  switch (path) {
    case Path::kAvx512: return "avx512";
    case Path::kAvx2: return "avx2";
    default: return "portable";
  }
}

void signature(const uint32_t* hashes, size_t count, const uint32_t* multipliers, const uint32_t* increments,
               size_t permutations, uint32_t* signature, Path path) {
#ifdef CORPUSMILL_X86
  if (path == Path::kAvx512) return avx512(hashes, count, multipliers, increments, permutations, signature);
  if (path == Path::kAvx2) {
    return in_blocks(avx2_block, 32, hashes, count, multipliers, increments, permutations, signature);
  }
#endif
  (void)path;
  in_blocks(portable_block, kPortableLanes, hashes, count, multipliers, increments, permutations, signature);
}

void band_keys(const uint32_t* signature, size_t bands, size_t rows, uint32_t* keys) {
  for (size_t band = 0; band < bands; band++) {
    uint32_t high = 0x243f6a88, low = 0x85a308d3;
    for (size_t row = 0; row < rows; row++) {
      const uint32_t value = *signature++;
      high = mix32(high ^ value);
      low = mix32(low + value * 0x9e3779b1);
    }
    keys[2 * band] = high;
    keys[2 * band + 1] = low;
  }
}

}  // namespace corpusmill::minhash
