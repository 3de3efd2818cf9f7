// What operations_elementwise.cc asks of an instruction set: see elementwise_kernels.inl.
#pragma once

#include <cstddef>

namespace corpusmill::tensor {

// Places of UNARY_KINDS and BINARY_KINDS in src/tensor/operations.ts.
constexpr size_t kUnaryKinds = 15, kBinaryKinds = 8;

// All take `count` entries; an output may be the memory of any input.
struct ElementwiseKernels {
  void (*unary[kUnaryKinds])(const float* x, size_t count, float* y);
  void (*unary_grad[kUnaryKinds])(const float* dy, const float* x, size_t count, float* dx);
  void (*binary[kBinaryKinds])(const float* a, const float* b, size_t count, float* out);
  // b is one number.
  void (*binary_number[kBinaryKinds])(const float* a, float b, size_t count, float* out);
  void (*affine)(const float* x, float scale, float shift, size_t count, float* y);
  void (*clamp)(const float* x, float low, float high, size_t count, float* y);
  void (*clamp_grad)(const float* dy, const float* x, float low, float high, size_t count, float* dx);
  void (*select)(const float* condition, const float* a, const float* b, size_t count, float* out);
  void (*swiglu)(const float* gate, const float* up, size_t count, float* y);
  void (*swiglu_grad)(const float* dy, const float* gate, const float* up, size_t count, float* dgate, float* dup);
  // Indexed by the places of ROUND_KINDS: bf16, f16.
  void (*round_to[2])(const float* x, size_t count, float* y);
  void (*fill)(float value, size_t count, float* y);
};

}  // namespace corpusmill::tensor
