// The elementary functions of vector_math.inl over arrays: for tests and benches of their accuracy, and for callers that
// have nothing to fuse them with.
#pragma once

#include <cstddef>

namespace corpusmill::tensor {

struct VectorMathKernels {
  // out[i] = f(x[i]); out may be x.
  void (*exp)(const float* x, size_t count, float* out);
  // For x <= 0: see exp2_of_negative.
  void (*exp2_of_negative)(const float* x, size_t count, float* out);
  void (*log)(const float* x, size_t count, float* out);
  void (*sigmoid)(const float* x, size_t count, float* out);
  void (*tanh)(const float* x, size_t count, float* out);
};

}  // namespace corpusmill::tensor
