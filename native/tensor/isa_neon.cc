// The tensor kernels for 64-bit ARM, whose every processor has NEON. See isa.h.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../inline.h"
#include "../prefetch.h"
#include "isa.h"

#if defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
#include <arm_neon.h>

#define CORPUSMILL_ISA neon
#define CORPUSMILL_ISA_ENUM Neon
#define CORPUSMILL_ISA_NAME "neon"
#define CORPUSMILL_LANES 4
#define CORPUSMILL_VECTOR_NEON 1
#include "isa_levels.inl"
#endif
