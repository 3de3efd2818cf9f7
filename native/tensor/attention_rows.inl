// Attention of single queries, for decoding with a cache: bound by the memory that holds keys and values, so the loop is
// over keys as they lie there, with the numbers of a head as lanes. See attention_kernels.h.
namespace corpusmill::tensor::CORPUSMILL_ISA::attention {

// Scores of kLanes keys: kLanes products by lane, which a transpose turns into one sum.
static void row_scores(const AttentionHead& head, const float* q, size_t first, size_t end, float* scores) {
  const size_t width = head.head_size;
  for (size_t key = first; key < end; key += kLanes) {
    const size_t some = end - key < kLanes ? end - key : kLanes;
    const float* const k = head.k + key * head.key_stride;
    Vec sums[kLanes];
    if (some == kLanes && width % kLanes == 0) {
#pragma GCC unroll 16
      for (size_t i = 0; i < kLanes; i++) sums[i] = mul(load(q), load(k + i * head.key_stride));
      for (size_t d = kLanes; d < width; d += kLanes) {
        const Vec part = load(q + d);
#pragma GCC unroll 16
        for (size_t i = 0; i < kLanes; i++) sums[i] = fma(part, load(k + i * head.key_stride + d), sums[i]);
      }
    } else {
      for (size_t i = 0; i < kLanes; i++) {
        sums[i] = zero();
        for (size_t d = 0; i < some && d < width; d += kLanes) {
          const size_t wide = width - d < kLanes ? width - d : kLanes;
          sums[i] = fma(load_first(q + d, wide), load_first(k + i * head.key_stride + d, wide), sums[i]);
        }
      }
    }
    transpose(sums);
#pragma GCC unroll 4
    for (size_t half = kLanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
      for (size_t i = 0; i < half; i++) sums[i] = add(sums[i], sums[i + half]);
    }
    store(scores + (key - first), mul(sums[0], broadcast(head.scale * kLog2E)));
  }
}

static void row(const AttentionHead& head, const float* q, size_t first, size_t end, bool has_state, float* state,
                float* weights) {
  const size_t width = head.head_size, count = end - first;
  row_scores(head, q, first, end, weights);
  Vec most = broadcast(has_state ? state[0] : kLeast);
  const size_t whole = count / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) most = maximum(most, load(weights + i));
  float now = largest(most);
  for (size_t i = whole; i < count; i++) now = weights[i] > now ? weights[i] : now;
  for (size_t i = count; i % kLanes != 0; i++) weights[i] = kHidden;
  Vec total = zero();
  for (size_t i = 0; i < count; i += kLanes) {
    const Vec weight = exp2_of_negative(sub(load(weights + i), broadcast(now)));
    store(weights + i, weight);
    total = add(total, weight);
  }
  const Vec shrink = has_state ? exp2_of_negative(sub(broadcast(state[0]), broadcast(now))) : zero();
  float factors[kLanes];
  store(factors, shrink);
  state[1] = has_state ? state[1] * factors[0] + sum(total) : sum(total);
  state[0] = now;

  float* const out = state + 2;
  size_t d = 0;
  for (; d + 4 * kLanes <= width; d += 4 * kLanes) {
    Vec even[1][4], odd[1][4];
#pragma GCC unroll 4
    for (size_t c = 0; c < 4; c++) {
      even[0][c] = has_state ? mul(shrink, load(out + d + c * kLanes)) : zero();
      odd[0][c] = zero();
    }
    const size_t pairs = count / 2;
    const float* const v = head.v + first * head.key_stride + d;
    for (size_t i = 0; i < pairs; i++) {
      multiply<false>(1, weights + 2 * i, 0, 1, v + 2 * i * head.key_stride, 0, 0, even);
      multiply<false>(1, weights + 2 * i + 1, 0, 1, v + (2 * i + 1) * head.key_stride, 0, 0, odd);
    }
    if (count % 2 != 0) multiply<false>(1, weights + count - 1, 0, 1, v + (count - 1) * head.key_stride, 0, 0, even);
#pragma GCC unroll 4
    for (size_t c = 0; c < 4; c++) store(out + d + c * kLanes, add(even[0][c], odd[0][c]));
  }
  for (; d < width; d += kLanes) {
    const size_t wide = width - d < kLanes ? width - d : kLanes;
    Vec part[4];
    part[0] = has_state ? mul(shrink, load_first(out + d, wide)) : zero();
    part[1] = part[2] = part[3] = zero();
    const float* const v = head.v + first * head.key_stride + d;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
#pragma GCC unroll 4
      for (size_t c = 0; c < 4; c++) {
        const float* const at = v + (i + c) * head.key_stride;
        part[c] = fma(broadcast(weights[i + c]), wide == kLanes ? load(at) : load_first(at, wide), part[c]);
      }
    }
    for (; i < count; i++) part[0] = fma(broadcast(weights[i]), load_first(v + i * head.key_stride, wide), part[0]);
    store_first(out + d, add(add(part[0], part[1]), add(part[2], part[3])), wide);
  }
}

static void merge(size_t head_size, const float* states, size_t stride, size_t parts, float* out, float* lse) {
  float most = kLeast;
  for (size_t p = 0; p < parts; p++) {
    // Not-a-number wins, so that it shows.
    if (!(states[p * stride] <= most)) most = states[p * stride];
  }
  for (size_t d = 0; d < head_size; d++) out[d] = 0;
  float total = 0;
  for (size_t p = 0; p < parts; p++) {
    const float* const state = states + p * stride;
    const float factor = parts == 1 ? 1 : exp2f(state[0] - most);
    total += factor * state[1];
    for (size_t d = 0; d < head_size; d++) out[d] += factor * state[2 + d];
  }
  const float factor = total == 0 ? 0 : 1 / total;
  for (size_t d = 0; d < head_size; d++) out[d] *= factor;
  if (lse != nullptr) *lse = total == 0 ? -HUGE_VALF : most * kLn2 + logf(total);
}

constexpr AttentionKernels kAttentionKernels{forward_scratch, backward_scratch, forward, backward, row, merge, copy_rows};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA::attention
