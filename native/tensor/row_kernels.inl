// See row_kernels.h; over_row and RowSum are in norm_kernels.inl.
namespace corpusmill::tensor::CORPUSMILL_ISA {

template <typename Lanes>
CORPUSMILL_INLINE static void rotate_vector(Lanes lanes, const float* x, Vec c, Vec s, size_t half, float* y) {
  const Vec a = lanes.get(x), b = lanes.get(x + half);
  lanes.put(y, sub(mul(a, c), mul(b, s)));
  lanes.put(y + half, add(mul(b, c), mul(a, s)));
}

static void rotate(const float* x, const float* cos, const float* sin, size_t heads, size_t half, bool inverse, float* y) {
  const Vec sign = broadcast(inverse ? -1.0f : 1.0f);
  size_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const Vec c = load(cos + i), s = mul(sign, load(sin + i));
    for (size_t h = 0; h < heads; h++) rotate_vector(WholeVector{}, x + 2 * half * h + i, c, s, half, y + 2 * half * h + i);
  }
  if (i == half) return;
  const FirstLanes lanes{half - i};
  const Vec c = lanes.get(cos + i), s = mul(sign, lanes.get(sin + i));
  for (size_t h = 0; h < heads; h++) rotate_vector(lanes, x + 2 * half * h + i, c, s, half, y + 2 * half * h + i);
}

static void rotate_interleaved(const float* x, const float* cos, const float* sin, size_t heads, size_t half, bool inverse,
                               float* y) {
  const float sign = inverse ? -1.0f : 1.0f;
  for (size_t h = 0; h < heads; h++, x += 2 * half, y += 2 * half) {
    for (size_t i = 0; i < half; i++) {
      const float a = x[2 * i], b = x[2 * i + 1], c = cos[i], s = sign * sin[i];
      y[2 * i] = a * c - b * s;
      y[2 * i + 1] = b * c + a * s;
    }
  }
}

static double sum_entries(const float* x, size_t count) {
  double total = 0;
  for (size_t from = 0; from < count; from += 1024) {
    RowSum sums;
    over_row(count - from < 1024 ? count - from : 1024, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
      sums.part[s] = add(lanes.get(x + from + i), sums.part[s]);
    });
    total += static_cast<double>(sums.total());
  }
  return total;
}

// In float64 throughout: squares of float32 overflow from 1.8e19 on.
static double sum_of_squares(const float* x, size_t count) {
  double total = 0;
  size_t i = 0;
#if defined(CORPUSMILL_VECTOR_AVX512)
  __m512d part[4] = {_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd()};
  for (; i + 32 <= count; i += 32) {
#pragma GCC unroll 4
    for (size_t s = 0; s < 4; s++) {
      const __m512d v = _mm512_cvtps_pd(_mm256_loadu_ps(x + i + 8 * s));
      part[s] = _mm512_fmadd_pd(v, v, part[s]);
    }
  }
  double lanes[8];
  _mm512_storeu_pd(lanes, _mm512_add_pd(_mm512_add_pd(part[0], part[1]), _mm512_add_pd(part[2], part[3])));
  for (const double lane : lanes) total += lane;
#elif defined(CORPUSMILL_VECTOR_AVX2)
  __m256d part[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};
  for (; i + 16 <= count; i += 16) {
#pragma GCC unroll 4
    for (size_t s = 0; s < 4; s++) {
      const __m256d v = _mm256_cvtps_pd(_mm_loadu_ps(x + i + 4 * s));
      part[s] = _mm256_fmadd_pd(v, v, part[s]);
    }
  }
  double lanes[4];
  _mm256_storeu_pd(lanes, _mm256_add_pd(_mm256_add_pd(part[0], part[1]), _mm256_add_pd(part[2], part[3])));
  for (const double lane : lanes) total += lane;
#else
  double part[4] = {0, 0, 0, 0};
  for (; i + 4 <= count; i += 4) {
    for (size_t s = 0; s < 4; s++) part[s] += static_cast<double>(x[i + s]) * static_cast<double>(x[i + s]);
  }
  total = (part[0] + part[1]) + (part[2] + part[3]);
#endif
  for (; i < count; i++) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

// Eight rows at a time: the running sums are read and written an eighth as often, and each has an eighth of the summands.
static void add_columns(const float* x, size_t rows, size_t stride, size_t columns, float* out) {
  size_t r = 0;
  for (; r + 8 <= rows; r += 8, x += 8 * stride) {
    over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
      const float* const p = x + i;
      const Vec a = add(lanes.get(p), lanes.get(p + stride)), b = add(lanes.get(p + 2 * stride), lanes.get(p + 3 * stride));
      const Vec c = add(lanes.get(p + 4 * stride), lanes.get(p + 5 * stride));
      const Vec d = add(lanes.get(p + 6 * stride), lanes.get(p + 7 * stride));
      lanes.put(out + i, add(lanes.get(out + i), add(add(a, b), add(c, d))));
    });
  }
  for (; r < rows; r++, x += stride) {
    over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
      lanes.put(out + i, add(lanes.get(out + i), lanes.get(x + i)));
    });
  }
}

// Infinities and what is not a number have all bits of the exponent set.
static size_t count_non_finite(const float* x, size_t count) {
  size_t total = 0;
  for (size_t from = 0; from < count; from += 4096) {
    const size_t to = count - from < 4096 ? count : from + 4096;
    uint32_t found = 0;
    for (size_t i = from; i < to; i++) {
      uint32_t bits;
      memcpy(&bits, x + i, sizeof bits);
      found += (bits & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
    }
    total += found;
  }
  return total;
}

static void add_row(const float* row, size_t columns, float* out) {
  over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
    lanes.put(out + i, add(lanes.get(out + i), lanes.get(row + i)));
  });
}

static void scale_row(const float* row, float weight, size_t columns, float* out) {
  const Vec w = broadcast(weight);
  over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
    lanes.put(out + i, mul(w, lanes.get(row + i)));
  });
}

static void add_scaled_row(const float* row, float weight, size_t columns, float* out) {
  const Vec w = broadcast(weight);
  over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
    lanes.put(out + i, fma(w, lanes.get(row + i), lanes.get(out + i)));
  });
}

static float scale_and_dot(const float* row, float weight, const float* other, size_t columns, float* out) {
  const Vec w = broadcast(weight);
  RowSum dots;
  over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
    const Vec v = lanes.get(row + i);
    dots.part[s] = fma(v, lanes.get(other + i), dots.part[s]);
    lanes.put(out + i, mul(w, v));
  });
  return dots.total();
}

static void softmax_row(const float* x, size_t columns, float* out) {
  float most = -__builtin_inff();
  for (size_t i = 0; i < columns; i++) most = x[i] > most ? x[i] : most;
  const Vec top = broadcast(most);
  RowSum sums;
  over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
    const Vec e = lanes.keep(exp(sub(lanes.get(x + i), top)));
    sums.part[s] = add(e, sums.part[s]);
    lanes.put(out + i, e);
  });
  const Vec total = broadcast(sums.total());
  over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
    lanes.put(out + i, divide(lanes.get(out + i), total));
  });
}

constexpr RowKernels kRowKernels{rotate,           rotate_interleaved, sum_entries, sum_of_squares,
                                 add_columns,      count_non_finite,   add_row,     scale_row,
                                 add_scaled_row,   scale_and_dot,      softmax_row};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
