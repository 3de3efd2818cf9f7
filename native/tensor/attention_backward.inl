// Attention of a block of queries and a chunk of keys, backward, for one instruction set: see attention_kernels.h.
//
// With P = exp(scale·QKᵀ - lse) and delta = rowsum(dout∘out): dV = Pᵀ·dout, dS = scale·P∘(dout·Vᵀ - delta), dQ = dS·K,
// dK = dSᵀ·Q. P and dS are computed with the queries as lanes, [keys][queries], which is the order in which all three
// products that follow read them.
namespace corpusmill::tensor::CORPUSMILL_ISA::attention {

// Scratch: lanes of queries and of dout and copies of both, P and dS of a block, and lse and delta by lane.
static size_t backward_scratch(size_t head_size) {
  return 2 * (head_size + compact_stride(head_size)) * kQueryBlock + 2 * kKeyBlock * kQueryBlock + 2 * kQueryBlock + 16;
}

static float dot(const float* a, const float* b, size_t count) {
  Vec total = zero();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) total = fma(load(a + i), load(b + i), total);
  if (i < count) total = fma(load_first(a + i, count - i), load_first(b + i, count - i), total);
  return sum(total);
}

// P and dS of one group and keys [first, end).
static void backward_scores(const AttentionHead& head, const GroupView& view, const float* q_lanes,
                            const float* dout_lanes, const float* lse, const float* delta, size_t origin, size_t first,
                            size_t end, float* weights, float* slopes) {
  const bool all = first >= view.all_first && end <= view.all_end;
  const Vec scale = broadcast(head.scale);
  for_tiles<kTileRows>(end - first, [&](auto tile, size_t at) CORPUSMILL_INLINE_LAMBDA {
    constexpr size_t R = decltype(tile)::value;
    Vec sums[R][kTileVectors];
    clear(sums);
    const size_t key = (first + at - origin) * head.key_stride;
    multiply<false>(head.head_size, head.k + key, head.key_stride, 1, q_lanes, kGroup, 0, sums);
#pragma GCC unroll 16
    for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
      for (size_t c = 0; c < kTileVectors; c++) {
        // Of hidden pairs the exponent may be anything.
        Vec weight = exp2_of_negative(sub(sums[r][c], load(lse + c * kLanes)));
        if (!all) weight = choose(sees(view, c, first + at + r), weight, zero());
        store(weights + (at + r) * kQueryBlock + c * kLanes, weight);
      }
    }
    clear(sums);
    multiply<false>(head.head_size, head.v + key, head.key_stride, 1, dout_lanes, kGroup, 0, sums);
#pragma GCC unroll 16
    for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
      for (size_t c = 0; c < kTileVectors; c++) {
        const size_t place = (at + r) * kQueryBlock + c * kLanes;
        const Vec slope = sub(mul(scale, sums[r][c]), load(delta + c * kLanes));
        store(slopes + place, mul(load(weights + place), slope));
      }
    }
  });
}

static void backward(const AttentionHead& head, size_t row, const VisibleKeys& visible, size_t origin, size_t from,
                     size_t to, void (*before_dq)(void*), void* context, float* scratch) {
  const size_t width = head.head_size, rows = visible.rows, groups = (rows + kGroup - 1) / kGroup;
  float* const q_lanes = scratch;
  float* const dout_lanes = q_lanes + width * kQueryBlock;
  float* const weights = dout_lanes + width * kQueryBlock;
  float* const slopes = weights + kKeyBlock * kQueryBlock;
  float* const lse = slopes + kKeyBlock * kQueryBlock;
  float* const delta = lse + kQueryBlock;
  const size_t dq_stride = head.query_stride, stride = compact_stride(width);
  float* const q = delta + kQueryBlock;
  float* const dout = q + stride * kQueryBlock;
  float* const dq = head.dq + row * dq_stride;

  to_lanes(head.q[0] + row * dq_stride, dq_stride, rows, width, head.scale * kLog2E, q_lanes, q, stride);
  to_lanes(head.dout + row * dq_stride, dq_stride, rows, width, 1, dout_lanes, dout, stride);
  for (size_t i = 0; i < groups * kGroup; i++) {
    const float log_sum = i < rows ? head.lse[(row + i) * head.lse_stride] : -HUGE_VALF;
    // Queries that see nothing get probabilities of 0.
    lse[i] = log_sum == -HUGE_VALF ? -kHidden : log_sum * kLog2E;
    delta[i] = i < rows ? head.scale * dot(dout + i * stride, head.out + (row + i) * dq_stride, width) : 0;
  }
  GroupView views[kGroups];
  for (size_t g = 0; g < groups; g++) view_group(visible, g, &views[g]);

  bool may_add = false;
  for (size_t key = from; key < to; key += kKeyBlock) {
    const size_t next = key + kKeyBlock < to ? key + kKeyBlock : to;
    size_t firsts[kGroups], ends[kGroups], least = next, most = key;
    size_t first_group = groups, end_group = 0;
    for (size_t g = 0; g < groups; g++) {
      firsts[g] = key;
      ends[g] = next;
      if (!cut_to_view(views[g], &firsts[g], &ends[g])) {
        firsts[g] = ends[g] = key;
        continue;
      }
      if (firsts[g] < least) least = firsts[g];
      if (ends[g] > most) most = ends[g];
      if (first_group == groups) first_group = g;
      end_group = g + 1;
      const size_t at = (firsts[g] - key) * kQueryBlock + g * kGroup;
      backward_scores(head, views[g], q_lanes + g * width * kGroup, dout_lanes + g * width * kGroup, lse + g * kGroup,
                      delta + g * kGroup, origin, firsts[g], ends[g], weights + at, slopes + at);
    }
    if (first_group == groups) continue;
    // The products with queries as the sum's index run over a range of groups: what lies between is 0.
    for (size_t g = first_group; g < end_group; g++) {
      for (size_t j = least; j < most; j++) {
        if (j == firsts[g] && ends[g] > j) j = ends[g];
        if (j >= most) break;
        memset(weights + (j - key) * kQueryBlock + g * kGroup, 0, kGroup * sizeof(float));
        memset(slopes + (j - key) * kQueryBlock + g * kGroup, 0, kGroup * sizeof(float));
      }
    }
    // Strips of keys, each with the groups that see some of it.
    constexpr size_t kStrip = 2 * kTileRows;
    for (size_t j = least; j < most; j += kStrip) {
      const size_t strip_end = j + kStrip < most ? j + kStrip : most;
      size_t a = end_group, b = first_group;
      for (size_t g = first_group; g < end_group; g++) {
        if (firsts[g] >= strip_end || ends[g] <= j) continue;
        if (a == end_group) a = g;
        b = g + 1;
      }
      if (a >= b) continue;
      const size_t query = a * kGroup, queries = (b * kGroup < rows ? b * kGroup : rows) - query;
      const size_t at = (j - key) * kQueryBlock + query;
      add_product(strip_end - j, width, queries, weights + at, kQueryBlock, 1, dout + query * stride, stride,
                  head.dv + (j - origin) * head.key_stride, head.key_stride);
      add_product(strip_end - j, width, queries, slopes + at, kQueryBlock, 1, q + query * stride, stride,
                  head.dk + (j - origin) * head.key_stride, head.key_stride);
    }
    if (!may_add) before_dq(context);
    may_add = true;
    for (size_t g = first_group; g < end_group; g++) {
      if (firsts[g] >= ends[g]) continue;
      const size_t query = g * kGroup, some = rows - query < kGroup ? rows - query : kGroup;
      add_product(some, width, ends[g] - firsts[g], slopes + (firsts[g] - key) * kQueryBlock + query, 1, kQueryBlock,
                  head.k + (firsts[g] - origin) * head.key_stride, head.key_stride, dq + query * dq_stride, dq_stride);
    }
  }
  if (!may_add) before_dq(context);
}

}  // namespace corpusmill::tensor::CORPUSMILL_ISA::attention
