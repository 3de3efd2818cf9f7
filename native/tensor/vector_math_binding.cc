// JavaScript's door to vector_math_kernels.h, for tests of its accuracy.

#include <napi.h>

#include "../arguments.h"
#include "isa.h"

namespace {

using namespace corpusmill::tensor;

// vectorMath(level, function, x, out): `level` as attentionLevels() counts; functions in the order of VectorMathKernels.
Napi::Value Map(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "vectorMath");
  const KernelTable* levels[4];
  const size_t level = arguments.integer(static_cast<double>(runnable_levels(levels) - 1));
  const size_t function = arguments.integer(4);
  size_t count = 0;
  const float* const x = arguments.array<float>(napi_float32_array, 0, &count);
  float* const out = arguments.array<float>(napi_float32_array, count);
  if (!arguments.ok()) return info.Env().Undefined();
  const VectorMathKernels& math = levels[level]->vector_math;
  void (*const functions[])(const float*, size_t, float*) = {math.exp, math.exp2_of_negative, math.log, math.sigmoid,
                                                            math.tanh};
  functions[function](x, count, out);
  return info.Env().Undefined();
}

}  // namespace

void RegisterVectorMath(Napi::Env env, Napi::Object exports) {
  exports.Set("vectorMath", Napi::Function::New(env, Map, "vectorMath"));
}
