// The finalizer of src/core/random.ts (mix32): every bit of the input decides every bit of the output.
#pragma once

#include <cstdint>

#include "inline.h"

namespace corpusmill {

CORPUSMILL_INLINE uint32_t mix32(uint32_t h) {
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

}  // namespace corpusmill
