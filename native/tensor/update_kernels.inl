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

// Philox 4x32-10 (Salmon et al. 2011) on 16 counters side by side, in loops for the compiler's own vectors.
struct PhiloxBlock {
  uint32_t word[4][16];
};
CORPUSMILL_INLINE static void philox(PhiloxBlock& block, uint32_t key0, uint32_t key1) {
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
#pragma GCC unroll 1
    for (size_t i = 0; i < 16; i++) {
      const uint64_t a = 0xD2511F53ull * block.word[0][i], b = 0xCD9E8D57ull * block.word[2][i];
      block.word[0][i] = static_cast<uint32_t>(b >> 32) ^ block.word[1][i] ^ key0;
      block.word[2][i] = static_cast<uint32_t>(a >> 32) ^ block.word[3][i] ^ key1;
      block.word[1][i] = static_cast<uint32_t>(b);
      block.word[3][i] = static_cast<uint32_t>(a);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

static void dropout(const DropoutDraw& draw, uint64_t first, size_t count, const float* x, float* y) {
  for (size_t from = 0; from < count; from += kDropoutBlock) {
    PhiloxBlock block;
    const uint64_t counter = (first + from) / 4;
    for (size_t i = 0; i < 16; i++) {
      block.word[0][i] = static_cast<uint32_t>(counter) + static_cast<uint32_t>(i);
      block.word[1][i] = static_cast<uint32_t>(counter >> 32);
      block.word[2][i] = draw.stream;
      block.word[3][i] = 0;
    }
    philox(block, draw.key[0], draw.key[1]);
    const uint32_t* const drawn = &block.word[0][0];
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
