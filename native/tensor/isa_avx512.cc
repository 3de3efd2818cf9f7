// The tensor kernels for AVX-512 (x86-64-v4: Skylake servers, Zen 4 and later). See isa.h. Headers come before the change of target, so that nothing
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
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
// GCC 12 warns of its own header's _mm512_undefined_ps, wherever an intrinsic is written with it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
#endif

#define CORPUSMILL_ISA avx512
#define CORPUSMILL_ISA_ENUM Avx512
#define CORPUSMILL_ISA_NAME "avx512"
#define CORPUSMILL_LANES 16
#define CORPUSMILL_VECTOR_AVX512 1
#include "isa_levels.inl"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
