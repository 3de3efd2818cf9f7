#include "utf8.h"

#include <cstring>

#include "unicode_class.h"
#include "utf8_write.h"

#if defined(__SSE2__) || defined(_M_X64)
#define CORPUSMILL_SSE2 1
#include <emmintrin.h>
#endif

namespace corpusmill::utf8 {
namespace {

CORPUSMILL_INLINE bool is_unstable(uint32_t code_point) {
  return (unicode::class_of(code_point) & unicode::kUnstable) != 0;
}

// Where the run of ASCII from `at` ends, in steps of sixteen.
CORPUSMILL_INLINE size_t skip_ascii(const uint8_t* bytes, size_t at, size_t length) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  for (; at + 16 <= length; at += 16) {
    uint64_t words[2];
    std::memcpy(words, bytes + at, sizeof words);
    if (((words[0] | words[1]) & kHigh) != 0) break;
  }
  return at;
}

// A character of two bytes or more; width 0 where the bytes are not well-formed (RFC 3629).
struct Character {
  uint32_t code_point;
  size_t width;
};

CORPUSMILL_INLINE Character character_at(const uint8_t* bytes, size_t at, size_t length) {
  const auto is_tail = [&](size_t i) { return (bytes[i] & 0xc0) == 0x80; };
  const uint32_t lead = bytes[at];
  const size_t left = length - at;
  if (lead >= 0xe0 && lead < 0xf0 && left >= 3 && is_tail(at + 1) && is_tail(at + 2)) {
    const uint32_t code_point = ((lead & 0x0f) << 12) | ((bytes[at + 1] & 0x3fu) << 6) | (bytes[at + 2] & 0x3fu);
    return {code_point, code_point >= 0x800 && (code_point & 0xf800) != 0xd800 ? 3u : 0u};
  }
  if (lead >= 0xc2 && lead < 0xe0 && left >= 2 && is_tail(at + 1)) {
    return {((lead & 0x1f) << 6) | (bytes[at + 1] & 0x3fu), 2};
  }
  if (lead >= 0xf0 && lead < 0xf5 && left >= 4 && is_tail(at + 1) && is_tail(at + 2) && is_tail(at + 3)) {
    const uint32_t code_point = ((lead & 0x07) << 18) | ((bytes[at + 1] & 0x3fu) << 12) |
                                ((bytes[at + 2] & 0x3fu) << 6) | (bytes[at + 3] & 0x3fu);
    return {code_point, code_point >= 0x10000 && code_point < 0x110000 ? 4u : 0u};
  }
  return {0, 0};
}

// Writes units as UTF-8 and shows `see` every code point beyond ASCII but U+FFFD in place of lone surrogates.
template <typename See>
CORPUSMILL_INLINE size_t write_units(const uint16_t* units, size_t count, uint8_t* out, See see) {
  uint8_t* to = out;
  size_t i = 0;
  while (i < count) {
#ifdef CORPUSMILL_SSE2
    while (i + 16 <= count) {
      const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(units + i));
      const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(units + i + 8));
      const __m128i wide = _mm_and_si128(_mm_or_si128(low, high), _mm_set1_epi16(static_cast<int16_t>(0xff80)));
      if (_mm_movemask_epi8(_mm_cmpeq_epi16(wide, _mm_setzero_si128())) != 0xffff) break;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(low, high));
      to += 16;
      i += 16;
    }
    if (i == count) break;
#endif
    // A stretch by itself, so that a wide character does not cost a look at sixteen units.
    const size_t stop = count - i < 16 ? count : i + 16;
    while (i < stop) {
      uint32_t code_point = units[i++];
      if (code_point >= 0x80) {
        if ((code_point & 0xf800) == 0xd800) {
          if (code_point >= 0xdc00 || i == count || (units[i] & 0xfc00) != 0xdc00) {
            to = write(0xfffd, to);
            continue;
          }
          code_point = 0x10000 + ((code_point & 0x3ff) << 10) + (units[i++] & 0x3ffu);
        }
        see(code_point);
      }
      to = write(code_point, to);
    }
  }
  return static_cast<size_t>(to - out);
}

}  // namespace

Text from_utf16(const uint16_t* units, size_t count, uint8_t* out) {
  uint32_t classes = 0;
  const size_t length = write_units(units, count, out, [&](uint32_t code_point) { classes |= unicode::class_of(code_point); });
  return {length, (classes & unicode::kUnstable) == 0};
}

size_t write_utf16(const uint16_t* units, size_t count, uint8_t* out) {
  return write_units(units, count, out, [](uint32_t) {});
}

Text check(const uint8_t* bytes, size_t length) {
  bool is_stable = true;
  size_t at = 0;
  while ((at = skip_ascii(bytes, at, length)) < length) {
    const size_t stop = length - at < 16 ? length : at + 16;
    while (at < stop) {
      if (bytes[at] < 0x80) {
        at++;
        continue;
      }
      const Character character = character_at(bytes, at, length);
      if (character.width == 0) return {at, is_stable};
      if (is_unstable(character.code_point)) is_stable = false;
      at += character.width;
    }
  }
  return {length, is_stable};
}

size_t to_utf16(const uint8_t* bytes, size_t length, uint16_t* out) {
  uint16_t* to = out;
  size_t at = 0;
  while (at < length) {
    const size_t wide = skip_ascii(bytes, at, length);
    for (; at < wide; at++) *to++ = bytes[at];
    // A stretch by itself, so that a wide character does not cost a look at sixteen bytes.
    const size_t stop = length - at < 16 ? length : at + 16;
    while (at < stop) {
      if (bytes[at] < 0x80) {
        *to++ = bytes[at++];
        continue;
      }
      const Character character = character_at(bytes, at, length);
      if (character.width == 0) {
        *to++ = 0xfffd;
        at++;
      } else if (character.width == 4) {
        *to++ = static_cast<uint16_t>(0xd800 + ((character.code_point - 0x10000) >> 10));
        *to++ = static_cast<uint16_t>(0xdc00 | (character.code_point & 0x3ff));
        at += 4;
      } else {
        *to++ = static_cast<uint16_t>(character.code_point);
        at += character.width;
      }
    }
  }
  return static_cast<size_t>(to - out);
}

}  // namespace corpusmill::utf8
