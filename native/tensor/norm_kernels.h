// What operations_norm.cc asks of an instruction set: see norm_kernels.inl.
#pragma once

#include <cstddef>

namespace corpusmill::tensor {

// Everything has `columns` entries a row, `weight` and `bias` [columns]. Outputs may lie where their `inPlace` inputs lie.
struct NormKernels {
  // With `residual`: sum = x + residual is written and normed.
  void (*rms)(const float* x, const float* residual, const float* weight, size_t rows, size_t columns, float eps,
              float* sum, float* y, float* rstd);
  // Adds the rows' share of dweight to `dweight`. `addend` (dx's) may be null.
  void (*rms_grad)(const float* dy, const float* x, const float* weight, const float* rstd, const float* addend,
                   size_t rows, size_t columns, float* dx, float* dweight);
  void (*layer)(const float* x, const float* weight, const float* bias, size_t rows, size_t columns, float eps, float* y,
                float* mean, float* rstd);
  void (*layer_grad)(const float* dy, const float* x, const float* weight, const float* mean, const float* rstd,
                     const float* addend, size_t rows, size_t columns, float* dx, float* dweight, float* dbias);
};

}  // namespace corpusmill::tensor
