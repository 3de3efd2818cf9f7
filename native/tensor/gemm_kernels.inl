// Matrix products for one instruction set: see gemm_kernels.h.
namespace corpusmill::tensor::CORPUSMILL_ISA {

static size_t fma_chains(size_t rounds, float* sink) {
  constexpr size_t kChains = 24 / (kLanes == 16 ? 1 : 2);
  constexpr size_t kRepeats = 16;
  Vec chain[kChains];
  const Vec factor = broadcast(sink[0]), term = broadcast(sink[1]);
  for (size_t c = 0; c < kChains; c++) chain[c] = broadcast(static_cast<float>(c));
  for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 16
    for (size_t r = 0; r < kRepeats; r++) {
#pragma GCC unroll 24
      for (size_t c = 0; c < kChains; c++) chain[c] = fma(chain[c], factor, term);
    }
  }
  Vec total = zero();
  for (size_t c = 0; c < kChains; c++) total = add(total, chain[c]);
  sink[2] = sum(total);
  return kRepeats * kChains * kLanes * 2;
}

constexpr GemmKernels kGemmKernels{fma_chains};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
