// What gemm.cc asks of an instruction set: see gemm_kernels.inl.
#pragma once

#include <cstddef>

namespace corpusmill::tensor {

struct GemmKernels {
  // Runs `rounds` rounds of independent fused multiply-adds in registers; returns the floating-point operations of a round.
  size_t (*fma_chains)(size_t rounds, float* sink);
};

}  // namespace corpusmill::tensor
