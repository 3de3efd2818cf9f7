// One character as UTF-8.
#pragma once

#include <cstdint>

#include "inline.h"

namespace corpusmill::utf8 {

// Writes a code point, which half of a surrogate pair is not; `out` has room for four bytes. Returns the end of what it wrote.
CORPUSMILL_INLINE uint8_t* write(uint32_t code_point, uint8_t* out) {
  if (code_point < 0x80) {
    *out++ = static_cast<uint8_t>(code_point);
    return out;
  }
  const auto tail = [&](int shift) { return static_cast<uint8_t>(0x80 | (code_point >> shift & 0x3f)); };
  if (code_point < 0x800) {
    *out++ = static_cast<uint8_t>(0xc0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      *out++ = static_cast<uint8_t>(0xe0 | code_point >> 12);
    } else {
      *out++ = static_cast<uint8_t>(0xf0 | code_point >> 18);
      *out++ = tail(12);
    }
    *out++ = tail(6);
  }
  *out++ = tail(0);
  return out;
}

}  // namespace corpusmill::utf8
