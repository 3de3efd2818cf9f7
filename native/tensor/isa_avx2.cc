// The tensor kernels for AVX2 with fused multiply-add (x86-64-v3: Haswell, Zen and later). See isa.h. Headers come before the change of target, so that nothing
// of the standard library is compiled for it.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../inline.h"
#include "../prefetch.h"
#include "isa.h"

#if defined(CORPUSMILL_X86)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

#define CORPUSMILL_ISA avx2
#define CORPUSMILL_ISA_ENUM Avx2
#define CORPUSMILL_ISA_NAME "avx2"
#define CORPUSMILL_LANES 8
#define CORPUSMILL_VECTOR_AVX2 1
#include "isa_levels.inl"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
