// RMSNorm, LayerNorm and their gradients for one instruction set: see norm_kernels.h.
//
// A row is read from memory once: what follows the first pass over it finds it in the first-level cache. Sums of a row are
// kept in four vectors, so each partial sum has at most columns / (4·lanes) summands.
namespace corpusmill::tensor::CORPUSMILL_ISA {

struct WholeVector {
  CORPUSMILL_INLINE Vec get(const float* p) const { return load(p); }
  CORPUSMILL_INLINE void put(float* p, Vec v) const { store(p, v); }
  CORPUSMILL_INLINE Vec keep(Vec v) const { return v; }
};
struct FirstLanes {
  size_t n;
  CORPUSMILL_INLINE Vec get(const float* p) const { return load_first(p, n); }
  CORPUSMILL_INLINE void put(float* p, Vec v) const { store_first(p, v, n); }
  // Zeros in the lanes beyond the row.
  CORPUSMILL_INLINE Vec keep(Vec v) const {
    float all[kLanes];
    store(all, v);
    return load_first(all, n);
  }
};
// Calls step(lanes, i, s) for each vector of a row, which begins at entry i; s (0 to 3) is the partial sum it belongs to.
template <typename Step>
CORPUSMILL_INLINE static void over_row(size_t columns, Step step) {
  size_t i = 0;
  for (; i + 4 * kLanes <= columns; i += 4 * kLanes) {
    step(WholeVector{}, i, 0);
    step(WholeVector{}, i + kLanes, 1);
    step(WholeVector{}, i + 2 * kLanes, 2);
    step(WholeVector{}, i + 3 * kLanes, 3);
  }
  for (; i + kLanes <= columns; i += kLanes) step(WholeVector{}, i, 0);
  if (i < columns) step(FirstLanes{columns - i}, i, 1);
}

struct RowSum {
  Vec part[4];
  // Written out: a constructor of the compiler's own would not be compiled for the level.
  CORPUSMILL_INLINE RowSum() {
    for (size_t s = 0; s < 4; s++) part[s] = zero();
  }
  CORPUSMILL_INLINE float total() const { return sum(add(add(part[0], part[1]), add(part[2], part[3]))); }
};

static void rms(const float* x, const float* residual, const float* weight, size_t rows, size_t columns, float eps,
                float* total, float* y, float* rstd) {
  const float inverse = 1.0f / static_cast<float>(columns);
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    RowSum squares;
    const float* from = x;
    if (residual != nullptr) {
      over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
        const Vec v = add(lanes.get(x + i), lanes.get(residual + i));
        lanes.put(total + i, v);
        squares.part[s] = fma(v, v, squares.part[s]);
      });
      from = total;
      residual += columns;
      total += columns;
    } else {
      over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
        const Vec v = lanes.get(x + i);
        squares.part[s] = fma(v, v, squares.part[s]);
      });
    }
    const float scale = 1.0f / sqrtf(squares.total() * inverse + eps);
    rstd[r] = scale;
    const Vec factor = broadcast(scale);
    over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
      lanes.put(y + i, mul(mul(lanes.get(from + i), factor), lanes.get(weight + i)));
    });
  }
}

// With n = x·rstd and g = dy·weight: dx = rstd·(g - n·mean(g·n)), dweight = Σ dy·n.
template <bool kAddend>
static void rms_grad_rows(const float* dy, const float* x, const float* weight, const float* rstd, const float* addend,
                          size_t rows, size_t columns, float* dx, float* dweight) {
  const float inverse = 1.0f / static_cast<float>(columns);
  for (size_t r = 0; r < rows; r++, dy += columns, x += columns, dx += columns) {
    RowSum dots;
    over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
      dots.part[s] = fma(mul(lanes.get(dy + i), lanes.get(weight + i)), lanes.get(x + i), dots.part[s]);
    });
    const float scale = rstd[r];
    const Vec factor = broadcast(scale), back = broadcast(-(scale * scale * scale) * dots.total() * inverse);
    over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
      const Vec slope = mul(lanes.get(dy + i), factor), at = lanes.get(x + i);
      Vec own = fma(at, back, mul(slope, lanes.get(weight + i)));
      if constexpr (kAddend) own = add(own, lanes.get(addend + i));
      lanes.put(dx + i, own);
      lanes.put(dweight + i, fma(slope, at, lanes.get(dweight + i)));
    });
    if constexpr (kAddend) addend += columns;
  }
}

static void rms_grad(const float* dy, const float* x, const float* weight, const float* rstd, const float* addend,
                     size_t rows, size_t columns, float* dx, float* dweight) {
  if (addend != nullptr) rms_grad_rows<true>(dy, x, weight, rstd, addend, rows, columns, dx, dweight);
  else rms_grad_rows<false>(dy, x, weight, rstd, addend, rows, columns, dx, dweight);
}

static void layer(const float* x, const float* weight, const float* bias, size_t rows, size_t columns, float eps, float* y,
                  float* means, float* rstd) {
  const float inverse = 1.0f / static_cast<float>(columns);
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    RowSum sums;
    over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
      sums.part[s] = add(lanes.get(x + i), sums.part[s]);
    });
    const float mean = sums.total() * inverse;
    const Vec middle = broadcast(mean);
    RowSum squares;
    over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
      const Vec v = lanes.keep(sub(lanes.get(x + i), middle));
      squares.part[s] = fma(v, v, squares.part[s]);
    });
    const float scale = 1.0f / sqrtf(squares.total() * inverse + eps);
    means[r] = mean;
    rstd[r] = scale;
    const Vec factor = broadcast(scale);
    over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
      const Vec n = mul(sub(lanes.get(x + i), middle), factor);
      lanes.put(y + i, fma(n, lanes.get(weight + i), lanes.get(bias + i)));
    });
  }
}

// As rms_grad with n = (x - mean)·rstd, and mean(g) taken off as well.
static void layer_grad(const float* dy, const float* x, const float* weight, const float* mean, const float* rstd,
                       const float* addend, size_t rows, size_t columns, float* dx, float* dweight, float* dbias) {
  const float inverse = 1.0f / static_cast<float>(columns);
  for (size_t r = 0; r < rows; r++, dy += columns, x += columns, dx += columns) {
    const float scale = rstd[r];
    const Vec factor = broadcast(scale), middle = broadcast(mean[r]);
    RowSum dots, sums;
    over_row(columns, [&](auto lanes, size_t i, size_t s) CORPUSMILL_INLINE_LAMBDA {
      const Vec g = mul(lanes.get(dy + i), lanes.get(weight + i));
      dots.part[s] = fma(g, mul(sub(lanes.get(x + i), middle), factor), dots.part[s]);
      sums.part[s] = add(g, sums.part[s]);
    });
    const Vec dot = broadcast(dots.total() * inverse), total = broadcast(sums.total() * inverse);
    over_row(columns, [&](auto lanes, size_t i, size_t) CORPUSMILL_INLINE_LAMBDA {
      const Vec slope = lanes.get(dy + i), n = mul(sub(lanes.get(x + i), middle), factor);
      Vec own = mul(factor, sub(sub(mul(slope, lanes.get(weight + i)), total), mul(n, dot)));
      if (addend != nullptr) own = add(own, lanes.get(addend + i));
      lanes.put(dx + i, own);
      lanes.put(dweight + i, fma(slope, n, lanes.get(dweight + i)));
      lanes.put(dbias + i, add(slope, lanes.get(dbias + i)));
    });
    if (addend != nullptr) addend += columns;
  }
}

constexpr NormKernels kNormKernels{rms, rms_grad, layer, layer_grad};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
