// The tensor kernels without any wish about the processor: vectors of 4 floats, which the compiler turns into SSE2 on
// x86-64, and plain C++ where it has no vectors. See isa.h.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../inline.h"
#include "../prefetch.h"
#include "isa.h"

#define CORPUSMILL_ISA scalar
#define CORPUSMILL_ISA_ENUM Scalar
#define CORPUSMILL_ISA_NAME "scalar"
#define CORPUSMILL_LANES 4
#define CORPUSMILL_VECTOR_SCALAR 1
#include "isa_levels.inl"
