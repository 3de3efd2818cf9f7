// See update_kernels.h.
namespace corpusmill::tensor::CORPUSMILL_ISA {

template <typename Lanes>
CORPUSMILL_INLINE static void adamw_vector(Lanes lanes, const AdamwStep& step, float* p, const float* g, float* m, float* v) {
  const Vec gradient = mul(lanes.get(g), broadcast(step.factor));
  const Vec first = fma(broadcast(step.one_minus_beta1), gradient, mul(broadcast(step.beta1), lanes.get(m)));
  const Vec second = fma(mul(broadcast(step.one_minus_beta2), gradient), gradient, mul(broadcast(step.beta2), lanes.get(v)));
  lanes.put(m, first);
  lanes.put(v, second);
  const Vec size = fma(square_root(second), broadcast(step.inverse_root), broadcast(step.eps));
  const Vec before = lanes.get(p);
  const Vec decayed = fma(broadcast(-step.decay), before, before);
  lanes.put(p, sub(decayed, divide(mul(broadcast(step.rate), first), size)));
}

static void adamw(const AdamwStep& step, size_t count, float* p, const float* g, float* m, float* v) {
  const AdamwStep own = step;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) adamw_vector(WholeVector{}, own, p + i, g + i, m + i, v + i);
  if (i < count) adamw_vector(FirstLanes{count - i}, own, p + i, g + i, m + i, v + i);
}

// Philox 4x32-10 (Salmon et al. 2011) on 16 counters side by side. Each 32-bit number has 64 bits of a vector to itself: a
// product of the low halves is one instruction then, its high half a shift, and what gathers above the low half is never read.
#if defined(CORPUSMILL_VECTOR_AVX512)
using Wide = __m512i;
CORPUSMILL_INLINE static Wide wide(uint32_t x) { return _mm512_set1_epi64(static_cast<int64_t>(x)); }
CORPUSMILL_INLINE static Wide wide_steps(uint32_t x) {
  return _mm512_add_epi32(wide(x), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
}
CORPUSMILL_INLINE static Wide multiply_low(Wide a, Wide b) { return _mm512_mul_epu32(a, b); }
CORPUSMILL_INLINE static Wide high(Wide a) { return _mm512_srli_epi64(a, 32); }
CORPUSMILL_INLINE static Wide exclusive_or(Wide a, Wide b, Wide c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
CORPUSMILL_INLINE static void store_low(uint32_t* to, const Wide* v) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  _mm512_storeu_si512(to, _mm512_permutex2var_epi32(v[0], even, v[1]));
}
#elif defined(CORPUSMILL_VECTOR_AVX2)
using Wide = __m256i;
CORPUSMILL_INLINE static Wide wide(uint32_t x) { return _mm256_set1_epi64x(static_cast<int64_t>(x)); }
CORPUSMILL_INLINE static Wide wide_steps(uint32_t x) {
  return _mm256_add_epi32(wide(x), _mm256_setr_epi64x(0, 1, 2, 3));
}
CORPUSMILL_INLINE static Wide multiply_low(Wide a, Wide b) { return _mm256_mul_epu32(a, b); }
CORPUSMILL_INLINE static Wide high(Wide a) { return _mm256_srli_epi64(a, 32); }
CORPUSMILL_INLINE static Wide exclusive_or(Wide a, Wide b, Wide c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
CORPUSMILL_INLINE static void store_low(uint32_t* to, const Wide* v) {
  const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  for (size_t i = 0; i < 4; i++) {
    const __m256i low = _mm256_permutevar8x32_epi32(v[i], even);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 4 * i), _mm256_castsi256_si128(low));
  }
}
#else
struct Wide {
  uint64_t lane[2];
};
CORPUSMILL_INLINE static Wide wide(uint32_t x) { return {{x, x}}; }
CORPUSMILL_INLINE static Wide wide_steps(uint32_t x) { return {{x, x + 1u}}; }
CORPUSMILL_INLINE static Wide multiply_low(Wide a, Wide b) {
  for (size_t i = 0; i < 2; i++) a.lane[i] = (a.lane[i] & 0xffffffffu) * (b.lane[i] & 0xffffffffu);
  return a;
}
CORPUSMILL_INLINE static Wide high(Wide a) {
  for (size_t i = 0; i < 2; i++) a.lane[i] >>= 32;
  return a;
}
CORPUSMILL_INLINE static Wide exclusive_or(Wide a, Wide b, Wide c) {
  for (size_t i = 0; i < 2; i++) a.lane[i] ^= b.lane[i] ^ c.lane[i];
  return a;
}
CORPUSMILL_INLINE static void store_low(uint32_t* to, const Wide* v) {
  for (size_t i = 0; i < 16; i++) to[i] = static_cast<uint32_t>(v[i / 2].lane[i % 2]);
}
#endif
constexpr size_t kWideLanes = sizeof(Wide) / 8, kWides = 16 / kWideLanes;

// The four numbers of counters (first, above, stream, 0) to (first + 15, above, stream, 0): those of all, one kind after another.
CORPUSMILL_INLINE static void philox(uint32_t first, uint32_t above, uint32_t stream, uint32_t key0, uint32_t key1,
                                     uint32_t* drawn) {
  Wide word[4][kWides];
#pragma GCC unroll 8
  for (size_t i = 0; i < kWides; i++) {
    word[0][i] = wide_steps(first + static_cast<uint32_t>(i * kWideLanes));
    word[1][i] = wide(above);
    word[2][i] = wide(stream);
    word[3][i] = wide(0);
  }
  const Wide factor0 = wide(0xD2511F53u), factor1 = wide(0xCD9E8D57u);
#pragma GCC unroll 10
  for (size_t round = 0; round < 10; round++) {
    const Wide k0 = wide(key0), k1 = wide(key1);
#pragma GCC unroll 8
    for (size_t i = 0; i < kWides; i++) {
      const Wide a = multiply_low(word[0][i], factor0), b = multiply_low(word[2][i], factor1);
      word[0][i] = exclusive_or(high(b), word[1][i], k0);
      word[2][i] = exclusive_or(high(a), word[3][i], k1);
      word[1][i] = b;
      word[3][i] = a;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
#pragma GCC unroll 4
  for (size_t w = 0; w < 4; w++) store_low(drawn + 16 * w, word[w]);
}

static void dropout(const DropoutDraw& draw, uint64_t first, size_t count, const float* x, float* y) {
  for (size_t from = 0; from < count; from += kDropoutBlock) {
    uint32_t drawn[kDropoutBlock];
    const uint64_t counter = (first + from) / 4;
    philox(static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), draw.stream, draw.key[0], draw.key[1], drawn);
    const uint32_t threshold = draw.threshold;
    const float scale = draw.scale;
    if (count - from >= kDropoutBlock) {
      for (size_t i = 0; i < kDropoutBlock; i++) {
        const float kept = x[from + i] * scale;
        y[from + i] = drawn[i] >= threshold ? kept : 0.0f;
      }
    } else {
      for (size_t i = 0; i < count - from; i++) y[from + i] = drawn[i] >= threshold ? x[from + i] * scale : 0.0f;
    }
  }
}

constexpr UpdateKernels kUpdateKernels{adamw, dropout};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
