// See vector_math_kernels.h.
namespace corpusmill::tensor::CORPUSMILL_ISA {

#define CORPUSMILL_MAP(NAME)                                                        \
  static void map_##NAME(const float* x, size_t count, float* out) {                \
    size_t i = 0;                                                                   \
    for (; i + kLanes <= count; i += kLanes) store(out + i, NAME(load(x + i)));     \
    if (i < count) store_first(out + i, NAME(load_first(x + i, count - i)), count - i); \
  }

CORPUSMILL_MAP(exp)
CORPUSMILL_MAP(exp2_of_negative)
CORPUSMILL_MAP(log)
CORPUSMILL_MAP(sigmoid)
CORPUSMILL_MAP(tanh)
#undef CORPUSMILL_MAP

constexpr VectorMathKernels kVectorMathKernels{map_exp, map_exp2_of_negative, map_log, map_sigmoid, map_tanh};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
