// Vec: kLanes floats, in the registers of the level that includes this. Plain operators (+ - * /) work lane by lane
// where the compiler has vectors; the functions below work everywhere, so kernels use them alone.
namespace corpusmill::tensor::CORPUSMILL_ISA {

constexpr size_t kLanes = CORPUSMILL_LANES;

#if defined(CORPUSMILL_VECTOR_AVX512)

using Vec = __m512;
CORPUSMILL_INLINE static Vec zero() { return _mm512_setzero_ps(); }
CORPUSMILL_INLINE static Vec broadcast(float x) { return _mm512_set1_ps(x); }
CORPUSMILL_INLINE static Vec load(const float* p) { return _mm512_loadu_ps(p); }
CORPUSMILL_INLINE static void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
// The first n lanes, 0 <= n <= kLanes; the others are 0.
CORPUSMILL_INLINE static Vec load_first(const float* p, size_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
CORPUSMILL_INLINE static void store_first(float* p, Vec v, size_t n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
}
CORPUSMILL_INLINE static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
CORPUSMILL_INLINE static Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
CORPUSMILL_INLINE static Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
// a·b + c, rounded once (twice at the level "scalar").
CORPUSMILL_INLINE static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
// The sum of the lanes, as a tree.
CORPUSMILL_INLINE static float sum(Vec v) {
  const __m256 high = _mm512_maskz_extractf32x8_ps(0xff, v, 1);
  const __m256 half = _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, v, 0), high);
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}
// Writes the transpose of the kLanes x kLanes floats at `from`, rows `from_row` apart, to `to`, rows `to_row` apart.
CORPUSMILL_INLINE static void transpose(const float* from, size_t from_row, float* to, size_t to_row) {
  __m512 r[16], t[16];
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; i++) r[i] = _mm512_loadu_ps(from + i * from_row);
#pragma GCC unroll 8
  for (size_t i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 16; i += 4) {
    r[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
    r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
    r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
    r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) {
    const __m512 a = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88), b = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88), d = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    _mm512_storeu_ps(to + i * to_row, _mm512_shuffle_f32x4(a, c, 0x88));
    _mm512_storeu_ps(to + (i + 4) * to_row, _mm512_shuffle_f32x4(b, d, 0x88));
    _mm512_storeu_ps(to + (i + 8) * to_row, _mm512_shuffle_f32x4(a, c, 0xdd));
    _mm512_storeu_ps(to + (i + 12) * to_row, _mm512_shuffle_f32x4(b, d, 0xdd));
  }
}

#elif defined(CORPUSMILL_VECTOR_AVX2)

using Vec = __m256;
CORPUSMILL_INLINE static Vec zero() { return _mm256_setzero_ps(); }
CORPUSMILL_INLINE static Vec broadcast(float x) { return _mm256_set1_ps(x); }
CORPUSMILL_INLINE static Vec load(const float* p) { return _mm256_loadu_ps(p); }
CORPUSMILL_INLINE static void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
CORPUSMILL_INLINE static __m256i first_lanes(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CORPUSMILL_INLINE static Vec load_first(const float* p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
CORPUSMILL_INLINE static void store_first(float* p, Vec v, size_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
CORPUSMILL_INLINE static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
CORPUSMILL_INLINE static Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
CORPUSMILL_INLINE static Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
CORPUSMILL_INLINE static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
CORPUSMILL_INLINE static float sum(Vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
CORPUSMILL_INLINE static void transpose(const float* from, size_t from_row, float* to, size_t to_row) {
  __m256 r[8], t[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(from + i * from_row);
#pragma GCC unroll 4
  for (size_t i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (size_t i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) {
    _mm256_storeu_ps(to + i * to_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

#else

#if defined(CORPUSMILL_VECTOR_NEON)
using Vec = float32x4_t;
CORPUSMILL_INLINE static Vec zero() { return vdupq_n_f32(0); }
CORPUSMILL_INLINE static Vec broadcast(float x) { return vdupq_n_f32(x); }
CORPUSMILL_INLINE static Vec load(const float* p) { return vld1q_f32(p); }
CORPUSMILL_INLINE static void store(float* p, Vec v) { vst1q_f32(p, v); }
CORPUSMILL_INLINE static Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
CORPUSMILL_INLINE static Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
CORPUSMILL_INLINE static Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
CORPUSMILL_INLINE static Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
#elif defined(__GNUC__) || defined(__clang__)
typedef float Vec __attribute__((vector_size(16)));
CORPUSMILL_INLINE static Vec zero() { return Vec{}; }
CORPUSMILL_INLINE static Vec broadcast(float x) { return Vec{x, x, x, x}; }
CORPUSMILL_INLINE static Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
CORPUSMILL_INLINE static void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
CORPUSMILL_INLINE static Vec add(Vec a, Vec b) { return a + b; }
CORPUSMILL_INLINE static Vec sub(Vec a, Vec b) { return a - b; }
CORPUSMILL_INLINE static Vec mul(Vec a, Vec b) { return a * b; }
CORPUSMILL_INLINE static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
#else
struct Vec {
  float lane[4];
  float& operator[](size_t i) { return lane[i]; }
  float operator[](size_t i) const { return lane[i]; }
};
CORPUSMILL_INLINE static Vec zero() { return Vec{{0, 0, 0, 0}}; }
CORPUSMILL_INLINE static Vec broadcast(float x) { return Vec{{x, x, x, x}}; }
CORPUSMILL_INLINE static Vec load(const float* p) { return Vec{{p[0], p[1], p[2], p[3]}}; }
CORPUSMILL_INLINE static void store(float* p, Vec v) {
  for (size_t i = 0; i < 4; i++) p[i] = v[i];
}
CORPUSMILL_INLINE static Vec add(Vec a, Vec b) { return Vec{{a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]}}; }
CORPUSMILL_INLINE static Vec sub(Vec a, Vec b) { return Vec{{a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]}}; }
CORPUSMILL_INLINE static Vec mul(Vec a, Vec b) { return Vec{{a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]}}; }
CORPUSMILL_INLINE static Vec fma(Vec a, Vec b, Vec c) { return add(mul(a, b), c); }
#endif
CORPUSMILL_INLINE static Vec load_first(const float* p, size_t n) {
  Vec v = zero();
  for (size_t i = 0; i < n; i++) v[i] = p[i];
  return v;
}
CORPUSMILL_INLINE static void store_first(float* p, Vec v, size_t n) {
  for (size_t i = 0; i < n; i++) p[i] = v[i];
}
CORPUSMILL_INLINE static float sum(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }
CORPUSMILL_INLINE static void transpose(const float* from, size_t from_row, float* to, size_t to_row) {
  for (size_t i = 0; i < 4; i++) {
    for (size_t j = 0; j < 4; j++) to[i * to_row + j] = from[j * from_row + i];
  }
}

#endif

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
