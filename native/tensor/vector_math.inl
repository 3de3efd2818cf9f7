// Elementary functions on vectors, within about 2 units in the last place of float32 (measured by
// tests/tensor/vector-math.test.ts), and what they need beyond vector.inl: maxima, comparisons, powers of two, transposes.
// Polynomials are minimax fits (Remez) of this project, their largest relative error before rounding in brackets.
//
// Not-a-number stays not-a-number in all of them, so that a guard for lost numbers further on still sees it. Results
// below the normal range of float32 may be 0.
namespace corpusmill::tensor::CORPUSMILL_ISA {

#if defined(CORPUSMILL_VECTOR_AVX512)

using Mask = __mmask16;
CORPUSMILL_INLINE static Vec divide(Vec a, Vec b) { return _mm512_div_ps(a, b); }
// b where either is not a number.
CORPUSMILL_INLINE static Vec maximum(Vec a, Vec b) { return _mm512_max_ps(a, b); }
CORPUSMILL_INLINE static Vec minimum(Vec a, Vec b) { return _mm512_min_ps(a, b); }
CORPUSMILL_INLINE static Vec absolute(Vec a) { return _mm512_abs_ps(a); }
CORPUSMILL_INLINE static Vec square_root(Vec a) { return _mm512_sqrt_ps(a); }
CORPUSMILL_INLINE static Mask at_most(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
CORPUSMILL_INLINE static Mask less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
CORPUSMILL_INLINE static Mask both(Mask a, Mask b) { return a & b; }
CORPUSMILL_INLINE static Mask either(Mask a, Mask b) { return a | b; }
// a where the mask is set, otherwise b.
CORPUSMILL_INLINE static Vec choose(Mask mask, Vec a, Vec b) { return _mm512_mask_blend_ps(mask, b, a); }
CORPUSMILL_INLINE static Vec nearest(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// a·2^n for whole n.
CORPUSMILL_INLINE static Vec scale_by_power(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }
// x = mantissa·2^exponent, mantissa in [√½, √2), for positive normal x.
CORPUSMILL_INLINE static void split(Vec x, Vec& mantissa, Vec& exponent) {
  const __m512i bits = _mm512_castps_si512(x);
  // Adding this to the bits carries into the exponent exactly for mantissas of √2 and more.
  const __m512i moved = _mm512_add_epi32(bits, _mm512_set1_epi32(0x3f800000 - 0x3f3504f3));
  exponent = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_srai_epi32(moved, 23), _mm512_set1_epi32(127)));
  const __m512i low = _mm512_and_si512(moved, _mm512_set1_epi32(0x007fffff));
  mantissa = _mm512_castsi512_ps(_mm512_add_epi32(low, _mm512_set1_epi32(0x3f3504f3)));
}
// Rows become columns.
CORPUSMILL_INLINE static void transpose(Vec (&v)[16]) {
  Vec t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512d a = _mm512_castps_pd(t[i]), b = _mm512_castps_pd(t[i + 1]);
    const __m512d c = _mm512_castps_pd(t[i + 2]), d = _mm512_castps_pd(t[i + 3]);
    v[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    v[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    v[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    v[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    v[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    v[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    v[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    v[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

#elif defined(CORPUSMILL_VECTOR_AVX2)

using Mask = __m256;
CORPUSMILL_INLINE static Vec divide(Vec a, Vec b) { return _mm256_div_ps(a, b); }
CORPUSMILL_INLINE static Vec maximum(Vec a, Vec b) { return _mm256_max_ps(a, b); }
CORPUSMILL_INLINE static Vec minimum(Vec a, Vec b) { return _mm256_min_ps(a, b); }
CORPUSMILL_INLINE static Vec absolute(Vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
CORPUSMILL_INLINE static Vec square_root(Vec a) { return _mm256_sqrt_ps(a); }
CORPUSMILL_INLINE static Mask at_most(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
CORPUSMILL_INLINE static Mask less(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
CORPUSMILL_INLINE static Mask both(Mask a, Mask b) { return _mm256_and_ps(a, b); }
CORPUSMILL_INLINE static Mask either(Mask a, Mask b) { return _mm256_or_ps(a, b); }
CORPUSMILL_INLINE static Vec choose(Mask mask, Vec a, Vec b) { return _mm256_blendv_ps(b, a, mask); }
CORPUSMILL_INLINE static Vec nearest(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// 2^n for whole n from -127 (which gives 0) to 127.
CORPUSMILL_INLINE static Vec power_of_two(Vec n) {
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
CORPUSMILL_INLINE static Vec scale_by_power(Vec a, Vec n) {
  const Vec half = nearest(mul(n, broadcast(0.5f)));
  return mul(mul(a, power_of_two(half)), power_of_two(sub(n, half)));
}
CORPUSMILL_INLINE static void split(Vec x, Vec& mantissa, Vec& exponent) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i moved = _mm256_add_epi32(bits, _mm256_set1_epi32(0x3f800000 - 0x3f3504f3));
  exponent = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srai_epi32(moved, 23), _mm256_set1_epi32(127)));
  const __m256i low = _mm256_and_si256(moved, _mm256_set1_epi32(0x007fffff));
  mantissa = _mm256_castsi256_ps(_mm256_add_epi32(low, _mm256_set1_epi32(0x3f3504f3)));
}
CORPUSMILL_INLINE static void transpose(Vec (&v)[8]) {
  Vec t[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    v[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    v[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    v[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    v[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x20);
    t[i + 4] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x31);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) v[i] = t[i];
}

#else

// Lane by lane; the compiler finds the vector instructions for most of it.
struct Mask {
  bool lane[4];
};
CORPUSMILL_INLINE static Vec divide(Vec a, Vec b) {
  for (int i = 0; i < 4; i++) a[i] = a[i] / b[i];
  return a;
}
CORPUSMILL_INLINE static Vec maximum(Vec a, Vec b) {
  for (int i = 0; i < 4; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
  return a;
}
CORPUSMILL_INLINE static Vec minimum(Vec a, Vec b) {
  for (int i = 0; i < 4; i++) a[i] = a[i] < b[i] ? a[i] : b[i];
  return a;
}
CORPUSMILL_INLINE static Vec absolute(Vec a) {
  for (int i = 0; i < 4; i++) a[i] = fabsf(a[i]);
  return a;
}
CORPUSMILL_INLINE static Vec square_root(Vec a) {
  for (int i = 0; i < 4; i++) a[i] = sqrtf(a[i]);
  return a;
}
CORPUSMILL_INLINE static Mask at_most(Vec a, Vec b) {
  Mask mask;
  for (int i = 0; i < 4; i++) mask.lane[i] = a[i] <= b[i];
  return mask;
}
CORPUSMILL_INLINE static Mask less(Vec a, Vec b) {
  Mask mask;
  for (int i = 0; i < 4; i++) mask.lane[i] = a[i] < b[i];
  return mask;
}
CORPUSMILL_INLINE static Mask both(Mask a, Mask b) {
  for (int i = 0; i < 4; i++) a.lane[i] = a.lane[i] && b.lane[i];
  return a;
}
CORPUSMILL_INLINE static Mask either(Mask a, Mask b) {
  for (int i = 0; i < 4; i++) a.lane[i] = a.lane[i] || b.lane[i];
  return a;
}
CORPUSMILL_INLINE static Vec choose(Mask mask, Vec a, Vec b) {
  for (int i = 0; i < 4; i++) b[i] = mask.lane[i] ? a[i] : b[i];
  return b;
}
// For |a| < 2^22: adding 1.5·2^23 leaves no room for a fraction.
CORPUSMILL_INLINE static Vec nearest(Vec a) {
  const Vec magic = broadcast(12582912.0f);
  return sub(add(a, magic), magic);
}
CORPUSMILL_INLINE static Vec power_of_two(Vec n) {
  for (int i = 0; i < 4; i++) {
    // A cast of what is not a number to an integer is undefined in C++.
    const uint32_t bits = n[i] >= -127 && n[i] <= 127 ? static_cast<uint32_t>(static_cast<int32_t>(n[i]) + 127) << 23 : 0;
    float power;
    memcpy(&power, &bits, sizeof power);
    n[i] = power;
  }
  return n;
}
CORPUSMILL_INLINE static Vec scale_by_power(Vec a, Vec n) {
  const Vec half = nearest(mul(n, broadcast(0.5f)));
  return mul(mul(a, power_of_two(half)), power_of_two(sub(n, half)));
}
CORPUSMILL_INLINE static void split(Vec x, Vec& mantissa, Vec& exponent) {
  for (int i = 0; i < 4; i++) {
    int32_t bits;
    const float lane = x[i];
    memcpy(&bits, &lane, sizeof bits);
    const int32_t moved = static_cast<int32_t>(static_cast<uint32_t>(bits) + (0x3f800000u - 0x3f3504f3u));
    const int32_t low = (moved & 0x007fffff) + 0x3f3504f3;
    float part;
    memcpy(&part, &low, sizeof part);
    mantissa[i] = part;
    exponent[i] = static_cast<float>((moved >> 23) - 127);
  }
}
CORPUSMILL_INLINE static void transpose(Vec (&v)[4]) {
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < i; j++) {
      const float kept = v[i][j];
      v[i][j] = v[j][i];
      v[j][i] = kept;
    }
  }
}

#endif

// The largest lane.
CORPUSMILL_INLINE static float largest(Vec v) {
#if defined(CORPUSMILL_VECTOR_AVX512)
  return _mm512_reduce_max_ps(v);
#else
  float lanes[kLanes];
  store(lanes, v);
  float best = lanes[0];
  for (size_t i = 1; i < kLanes; i++) best = lanes[i] > best ? lanes[i] : best;
  return best;
#endif
}

// 2^f for f in [0, 1): 1 + f·(…), so that 2^0 is 1. [2.1e-9]
CORPUSMILL_INLINE static Vec exp2_fraction(Vec f) {
  Vec p = fma(broadcast(0.000216129335167f), f, broadcast(0.0012467840718f));
  p = fma(p, f, broadcast(0.00967545222583f));
  p = fma(p, f, broadcast(0.0554852802758f));
  p = fma(p, f, broadcast(0.240229305629f));
  p = fma(p, f, broadcast(0.693147044438f));
  return fma(p, f, broadcast(1.0f));
}

// 2^x for x <= 0, as softmax needs it: below -126 it may give 0, and from -150 on it does.
CORPUSMILL_INLINE static Vec exp2_of_negative(Vec x) {
#if defined(CORPUSMILL_VECTOR_AVX512)
  // scalef multiplies by 2^floor(x) of its own accord.
  const Vec f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm512_scalef_ps(exp2_fraction(f), x);
#else
  x = maximum(broadcast(-127.0f), x);
#if defined(CORPUSMILL_VECTOR_AVX2)
  const Vec n = _mm256_floor_ps(x);
#else
  Vec n = nearest(x);
  n = sub(n, choose(less(x, n), broadcast(1.0f), zero()));
#endif
  return mul(exp2_fraction(sub(x, n)), power_of_two(n));
#endif
}

// e^x, infinite above 88.73. [3.1e-9 on |r| <= ln 2 / 2]
CORPUSMILL_INLINE static Vec exp(Vec x) {
  x = minimum(broadcast(89.5f), maximum(broadcast(-104.5f), x));
  const Vec n = nearest(mul(x, broadcast(1.44269504f)));
  // ln 2 in two parts, the first short enough for n times it to be exact.
  const Vec r = fma(n, broadcast(2.12194440e-4f), fma(n, broadcast(-0.693359375f), x));
  Vec q = fma(broadcast(0.00138145977571f), r, broadcast(0.00836871621207f));
  q = fma(q, r, broadcast(0.041668387993f));
  q = fma(q, r, broadcast(0.16666520639f));
  q = fma(q, r, broadcast(0.499999934485f));
  const Vec p = add(fma(mul(r, r), q, r), broadcast(1.0f));
  return scale_by_power(p, n);
}

// The natural logarithm; -infinity of 0, not-a-number of negative x, a large negative number of what is below the normal
// range. [5.9e-9]
CORPUSMILL_INLINE static Vec log(Vec x) {
  Vec mantissa, exponent;
  mantissa = exponent = zero();
  split(x, mantissa, exponent);
  const Vec f = sub(mantissa, broadcast(1.0f));
  Vec q = fma(broadcast(-0.0786044172592f), f, broadcast(0.128814876654f));
  q = fma(q, f, broadcast(-0.131283601054f));
  q = fma(q, f, broadcast(0.141812017987f));
  q = fma(q, f, broadcast(-0.166245991257f));
  q = fma(q, f, broadcast(0.200022864281f));
  q = fma(q, f, broadcast(-0.250008089315f));
  q = fma(q, f, broadcast(0.333333167271f));
  const Vec square = mul(f, f);
  // Small parts first: what is left after f is rounded once more only.
  Vec rest = mul(mul(square, f), q);
  rest = fma(exponent, broadcast(-2.12194440e-4f), rest);
  rest = fma(square, broadcast(-0.5f), rest);
  const Vec result = fma(exponent, broadcast(0.693359375f), add(f, rest));
  const Vec no_number = choose(at_most(absolute(x), zero()), broadcast(-HUGE_VALF), broadcast(NAN));
  const Vec other = choose(less(zero(), x), x, no_number);
  return choose(both(less(zero(), x), at_most(x, broadcast(3.40282347e38f))), result, other);
}

// 1 / (1 + e^-x).
CORPUSMILL_INLINE static Vec sigmoid(Vec x) {
  return divide(broadcast(1.0f), add(broadcast(1.0f), exp(sub(zero(), x))));
}

// tanh x: a polynomial in x² near 0 [4.1e-9 for |x| <= .62], elsewhere 1 - 2/(e^2|x| + 1).
CORPUSMILL_INLINE static Vec tanh(Vec x) {
  const Vec size = absolute(x), square = mul(x, x);
  Vec q = fma(broadcast(-0.00572127166011f), square, broadcast(0.020654261739f));
  q = fma(q, square, broadcast(-0.053744593335f));
  q = fma(q, square, broadcast(0.133315041178f));
  q = fma(q, square, broadcast(-0.33333284396f));
  const Vec near_zero = fma(mul(square, x), q, x);
  const Vec large = sub(broadcast(1.0f), divide(broadcast(2.0f), add(exp(add(size, size)), broadcast(1.0f))));
  const Vec far = choose(less(x, zero()), sub(zero(), large), large);
  return choose(at_most(size, broadcast(0.62f)), near_zero, far);
}

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
