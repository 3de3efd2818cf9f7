// Asks for a cache line that will be read or written soon; nothing where the compiler has no word for it.
#pragma once

#include "inline.h"

namespace corpusmill {

CORPUSMILL_INLINE void prefetch(const void* address) {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(address);
#else
  (void)address;
#endif
}

}  // namespace corpusmill
