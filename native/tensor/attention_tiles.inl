// The inner loops of attention: small matrix products that keep their result in registers, and transposes.
//
// Every product of attention, forward and backward, is one form: out[r][c] += Σ_n a[r·row + n·step]·b[n][c], where c are
// the lanes of vectors. The numbers of `a` are broadcast, so they may lie in any order, and keys and values are used
// where they are. Scores are computed with the queries as lanes: their maxima and sums need no sum over lanes, and only the
// queries of a block (and their output) are ever transposed.
namespace corpusmill::tensor::CORPUSMILL_ISA::attention {

// Rows and vectors of a product's tile: as many sums as hide the latency of a fused multiply-add and leave registers for
// operands. Measured by bench/attention.ts for AVX-512.
#if defined(CORPUSMILL_VECTOR_AVX512) || defined(CORPUSMILL_VECTOR_NEON)
constexpr size_t kTileRows = 8;
#elif defined(CORPUSMILL_VECTOR_AVX2)
constexpr size_t kTileRows = 6;
#else
constexpr size_t kTileRows = 4;
#endif
constexpr size_t kTileVectors = 2;
// Queries that are the lanes of a tile.
constexpr size_t kGroup = kTileVectors * kLanes;
constexpr size_t kGroups = kQueryBlock / kGroup;

template <size_t N>
struct Count {
  static constexpr size_t value = N;
};

// Calls body(Count<R>, first row) for tiles of R rows, R <= Most.
template <size_t Most, typename Body>
CORPUSMILL_INLINE static void for_tiles(size_t rows, const Body& body) {
  size_t r = 0;
  for (; r + Most <= rows; r += Most) body(Count<Most>{}, r);
  if constexpr (Most > 8) {
    if (r + 8 <= rows) {
      body(Count<8>{}, r);
      r += 8;
    }
  }
  if constexpr (Most > 4) {
    if (r + 4 <= rows) {
      body(Count<4>{}, r);
      r += 4;
    }
  }
  if (r + 2 <= rows) {
    body(Count<2>{}, r);
    r += 2;
  }
  if (r < rows) body(Count<1>{}, r);
}

template <size_t R, size_t C>
CORPUSMILL_INLINE static void clear(Vec (&sums)[R][C]) {
#pragma GCC unroll 16
  for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (size_t c = 0; c < C; c++) sums[r][c] = zero();
  }
}

// sums[r][c] += Σ_n a[r·row + n·step]·b[n·stride + lanes of c]; of the last vector only `tail` lanes if kCut.
template <bool kCut, size_t R, size_t C>
CORPUSMILL_INLINE static void multiply(size_t count, const float* a, size_t row, size_t step, const float* b,
                                       size_t stride, size_t tail, Vec (&sums)[R][C]) {
#pragma GCC unroll 2
  for (size_t n = 0; n < count; n++) {
    Vec x[C];
#pragma GCC unroll 4
    for (size_t c = 0; c < C; c++) {
      const float* const at = b + n * stride + c * kLanes;
      x[c] = kCut && c + 1 == C ? load_first(at, tail) : load(at);
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < R; r++) {
      const Vec y = broadcast(a[r * row + n * step]);
#pragma GCC unroll 4
      for (size_t c = 0; c < C; c++) sums[r][c] = fma(y, x[c], sums[r][c]);
    }
  }
}

// out[r][0, width) += Σ_n a[r·row + n·step]·b[n][0, width) for all rows.
template <bool kCut, size_t C>
CORPUSMILL_INLINE static void add_columns(size_t rows, size_t count, const float* a, size_t row, size_t step,
                                          const float* b, size_t stride, size_t tail, float* out, size_t out_stride) {
  for_tiles<(C == 1 ? 2 * kTileRows : kTileRows)>(rows, [&](auto tile, size_t first) CORPUSMILL_INLINE_LAMBDA {
    constexpr size_t R = decltype(tile)::value;
    Vec sums[R][C];
#pragma GCC unroll 16
    for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
      for (size_t c = 0; c < C; c++) {
        const float* const at = out + (first + r) * out_stride + c * kLanes;
        sums[r][c] = kCut && c + 1 == C ? load_first(at, tail) : load(at);
      }
    }
    multiply<kCut>(count, a + first * row, row, step, b, stride, tail, sums);
#pragma GCC unroll 16
    for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
      for (size_t c = 0; c < C; c++) {
        float* const at = out + (first + r) * out_stride + c * kLanes;
        if (kCut && c + 1 == C) store_first(at, sums[r][c], tail);
        else store(at, sums[r][c]);
      }
    }
  });
}

static void add_product(size_t rows, size_t width, size_t count, const float* a, size_t row, size_t step, const float* b,
                        size_t stride, float* out, size_t out_stride) {
  size_t column = 0;
  for (; column + 2 * kLanes <= width; column += 2 * kLanes) {
    add_columns<false, 2>(rows, count, a, row, step, b + column, stride, 0, out + column, out_stride);
  }
  if (column + kLanes <= width) {
    add_columns<false, 1>(rows, count, a, row, step, b + column, stride, 0, out + column, out_stride);
    column += kLanes;
  }
  if (column < width) {
    add_columns<true, 1>(rows, count, a, row, step, b + column, stride, width - column, out + column, out_stride);
  }
}

// Rows of a block of queries become lanes: out[group][d][lane] = factor·rows[query][d]; lanes without a query are 0.
// With `copy` the rows are also copied, `copy_stride` floats apart.
static void to_lanes(const float* rows, size_t stride, size_t count, size_t width, float factor, float* out,
                     float* copy = nullptr, size_t copy_stride = 0) {
  const Vec times = broadcast(factor);
  for (size_t first = 0; first < count; first += kLanes) {
    float* const lanes = out + first / kGroup * (width * kGroup) + first % kGroup;
    const size_t some = count - first < kLanes ? count - first : kLanes;
    for (size_t d = 0; d < width; d += kLanes) {
      const size_t wide = width - d < kLanes ? width - d : kLanes;
      Vec v[kLanes];
      if (some == kLanes && wide == kLanes) {
#pragma GCC unroll 16
        for (size_t i = 0; i < kLanes; i++) v[i] = load(rows + (first + i) * stride + d);
      } else {
        for (size_t i = 0; i < kLanes; i++) {
          v[i] = i < some ? load_first(rows + (first + i) * stride + d, wide) : zero();
        }
      }
      if (copy != nullptr) {
#pragma GCC unroll 16
        for (size_t i = 0; i < kLanes; i++) store(copy + (first + i) * copy_stride + d, v[i]);
      }
#pragma GCC unroll 16
      for (size_t i = 0; i < kLanes; i++) v[i] = mul(times, v[i]);
      transpose(v);
      if (wide == kLanes) {
#pragma GCC unroll 16
        for (size_t i = 0; i < kLanes; i++) store(lanes + (d + i) * kGroup, v[i]);
      } else {
        for (size_t i = 0; i < wide; i++) store(lanes + (d + i) * kGroup, v[i]);
      }
    }
  }
  // The last group may have a whole vector of lanes without queries.
  for (size_t first = (count + kLanes - 1) / kLanes * kLanes; first % kGroup != 0; first += kLanes) {
    float* const lanes = out + first / kGroup * (width * kGroup) + first % kGroup;
    for (size_t d = 0; d < width; d++) store(lanes + d * kGroup, zero());
  }
}

// The way back of one group: rows[query][d] = factor[lane]·lanes[d][lane].
static void from_lanes(const float* lanes, const float* factor, size_t count, size_t width, float* rows, size_t stride) {
  for (size_t first = 0; first < count; first += kLanes) {
    const Vec times = load(factor + first);
    const size_t some = count - first < kLanes ? count - first : kLanes;
    for (size_t d = 0; d < width; d += kLanes) {
      const size_t wide = width - d < kLanes ? width - d : kLanes;
      Vec v[kLanes];
      if (wide == kLanes) {
#pragma GCC unroll 16
        for (size_t i = 0; i < kLanes; i++) v[i] = mul(times, load(lanes + (d + i) * kGroup + first));
      } else {
        for (size_t i = 0; i < kLanes; i++) v[i] = i < wide ? mul(times, load(lanes + (d + i) * kGroup + first)) : zero();
      }
      transpose(v);
      if (some == kLanes && wide == kLanes) {
#pragma GCC unroll 16
        for (size_t i = 0; i < kLanes; i++) store(rows + (first + i) * stride + d, v[i]);
      } else {
        for (size_t i = 0; i < some; i++) store_first(rows + (first + i) * stride + d, v[i], wide);
      }
    }
  }
}

// See AttentionKernels::copy_rows; short rows, for which a call of memcpy each would cost as much as the copy.
static void copy_rows(const float* from, size_t from_stride, size_t rows, size_t width, float* to, size_t to_stride) {
  for (size_t r = 0; r < rows; r++) {
    float* const at = to + r * to_stride;
    const float* const source = from == nullptr ? nullptr : from + r * from_stride;
    size_t d = 0;
    for (; d + kLanes <= width; d += kLanes) store(at + d, source == nullptr ? zero() : load(source + d));
    if (d < width) store_first(at + d, source == nullptr ? zero() : load_first(source + d, width - d), width - d);
  }
}

// What a group of queries sees, as far as a block of keys needs to know.
struct GroupView {
  // The hulls of both kinds of interval; empty ones have end 0.
  size_t first, end, prefix_first, prefix_end;
  // Keys in [all_first, all_end) are seen by every query of the group.
  size_t all_first, all_end;
  // The intervals by lane, as floats (exact: keys are fewer than 2^24).
  float lane_first[kGroup], lane_end[kGroup], lane_prefix_first[kGroup], lane_prefix_end[kGroup];
};

static void view_group(const VisibleKeys& visible, size_t group, GroupView* view) {
  int32_t first = INT32_MAX, end = 0, prefix_first = INT32_MAX, prefix_end = 0, all_first = 0, all_end = INT32_MAX;
  for (size_t lane = 0; lane < kGroup; lane++) {
    const size_t r = group * kGroup + lane;
    const int32_t a = visible.first[r], b = visible.end[r], c = visible.prefix_first[r], d = visible.prefix_end[r];
    if (b > 0 && a < first) first = a;
    if (b > end) end = b;
    if (d > 0 && c < prefix_first) prefix_first = c;
    if (d > prefix_end) prefix_end = d;
    if (a > all_first) all_first = a;
    if (b < all_end) all_end = b;
    view->lane_first[lane] = static_cast<float>(a);
    view->lane_end[lane] = static_cast<float>(b);
    view->lane_prefix_first[lane] = static_cast<float>(c);
    view->lane_prefix_end[lane] = static_cast<float>(d);
  }
  view->first = static_cast<size_t>(end == 0 ? 0 : first);
  view->end = static_cast<size_t>(end);
  view->prefix_first = static_cast<size_t>(prefix_end == 0 ? 0 : prefix_first);
  view->prefix_end = static_cast<size_t>(prefix_end);
  view->all_first = static_cast<size_t>(all_first);
  view->all_end = static_cast<size_t>(all_end);
}

// Cuts [*first, *end) to what the group can see; false if that is nothing.
static bool cut_to_view(const GroupView& view, size_t* first, size_t* end) {
  size_t a = *first > view.first ? *first : view.first, b = *end < view.end ? *end : view.end;
  const size_t c = *first > view.prefix_first ? *first : view.prefix_first;
  const size_t d = *end < view.prefix_end ? *end : view.prefix_end;
  if (c < d) {
    if (a < b) {
      a = a < c ? a : c;
      b = b > d ? b : d;
    } else {
      a = c;
      b = d;
    }
  }
  *first = a;
  *end = b;
  return a < b;
}

// Which lanes of vector c see key j.
CORPUSMILL_INLINE static Mask sees(const GroupView& view, size_t c, size_t j) {
  const Vec key = broadcast(static_cast<float>(j));
  const size_t at = c * kLanes;
  return either(both(at_most(load(view.lane_first + at), key), less(key, load(view.lane_end + at))),
                both(at_most(load(view.lane_prefix_first + at), key), less(key, load(view.lane_prefix_end + at))));
}

}  // namespace corpusmill::tensor::CORPUSMILL_ISA::attention
