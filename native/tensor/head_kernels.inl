// See head_kernels.h. A piece of a row is short (a few hundred logits), so a second pass over it finds it in the
// first-level cache; sums over pieces are joined in float64 by head.cc.
namespace corpusmill::tensor::CORPUSMILL_ISA {

// e^x for x that is 0 at most, or above by rounding. The difference comes first: log2(e)·l and log2(e)·largest, each
// rounded, would shift all of a row's exponentials alike.
CORPUSMILL_INLINE static Vec exp_below(Vec logits, Vec largest) {
  return exp2_of_negative(mul(sub(logits, largest), broadcast(1.44269504f)));
}

static LogitSums logit_sums(const float* logits, size_t count, bool with_weighted) {
  const size_t whole = count / kLanes * kLanes, rest = count - whole;
  float largest_logit = logits[0];
  Vec top[4], sums[4], totals[4], products = zero();
  for (size_t j = 0; j < 4; j++) {
    top[j] = broadcast(logits[0]);
    sums[j] = totals[j] = zero();
  }
  size_t i = 0;
  for (; i + 4 * kLanes <= whole; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
      const Vec l = load(logits + i + j * kLanes);
      top[j] = maximum(l, top[j]);
      totals[j] = add(totals[j], l);
    }
  }
  for (; i < whole; i += kLanes) {
    const Vec l = load(logits + i);
    top[0] = maximum(l, top[0]);
    totals[0] = add(totals[0], l);
  }
  largest_logit = largest(maximum(maximum(top[0], top[1]), maximum(top[2], top[3])));
  float total = sum(add(add(totals[0], totals[1]), add(totals[2], totals[3])));
  for (i = whole; i < count; i++) {
    largest_logit = logits[i] > largest_logit ? logits[i] : largest_logit;
    total += logits[i];
  }

  const Vec base = broadcast(largest_logit);
  if (with_weighted) {
    for (i = 0; i < whole; i += kLanes) {
      const Vec distance = sub(load(logits + i), base);
      const Vec e = exp2_of_negative(mul(distance, broadcast(1.44269504f)));
      sums[0] = add(sums[0], e);
      products = fma(e, distance, products);
    }
  } else {
    for (i = 0; i + 4 * kLanes <= whole; i += 4 * kLanes) {
#pragma GCC unroll 4
      for (size_t j = 0; j < 4; j++) sums[j] = add(sums[j], exp_below(load(logits + i + j * kLanes), base));
    }
    for (; i < whole; i += kLanes) sums[0] = add(sums[0], exp_below(load(logits + i), base));
  }
  float exponentials = sum(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
  float weighted = sum(products);
  if (rest > 0) {
    // The lanes beyond the row are 0 in `l`; what they give is not added.
    float e[kLanes];
    store(e, exp_below(load_first(logits + whole, rest), base));
    for (size_t j = 0; j < rest; j++) {
      exponentials += e[j];
      if (with_weighted) weighted += e[j] * (logits[whole + j] - largest_logit);
    }
  }
  return {largest_logit, exponentials, weighted, total};
}

static void logit_gradient(float* logits, size_t count, float largest_logit, float factor, float shift) {
  const Vec base = broadcast(largest_logit), by = broadcast(factor), to = broadcast(shift);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(logits + i, fma(by, exp_below(load(logits + i), base), to));
  if (i < count) {
    store_first(logits + i, fma(by, exp_below(load_first(logits + i, count - i), base), to), count - i);
  }
}

constexpr HeadKernels kHeadKernels{logit_sums, logit_gradient};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
