// Strings of JSON in UTF-8: the pieces that readers of JSON Lines share. Sixteen bytes at a time up to the next quote,
// backslash or control character.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "inline.h"
#include "utf8_write.h"

#ifdef CORPUSMILL_X86
#include <emmintrin.h>
#endif

namespace corpusmill::json {

constexpr size_t kNone = SIZE_MAX;

CORPUSMILL_INLINE bool is_space(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }

CORPUSMILL_INLINE size_t skip_space(const uint8_t* bytes, size_t at, size_t end) {
  while (at < end && is_space(bytes[at])) at++;
  return at;
}

// A string's characters from `at`, behind its opening quote: where the next quote, backslash or control character is, `end`
// if nowhere. Copies what lies before it to `out`, and up to 15 bytes more, and counts its UTF-16 units.
CORPUSMILL_INLINE size_t copy_plain(const uint8_t* bytes, size_t at, size_t end, uint8_t* out, uint32_t& units) {
  size_t i = at;
#ifdef CORPUSMILL_X86
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1f);
  for (; i + 16 <= end; i += 16) {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + (i - at)), sixteen);
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(sixteen, quote), _mm_cmpeq_epi8(sixteen, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(sixteen, last_control), sixteen));
    const auto stops = static_cast<uint32_t>(_mm_movemask_epi8(special));
    const uint32_t wide = static_cast<uint32_t>(_mm_movemask_epi8(sixteen));
    const int before = stops == 0 ? 16 : std::countr_zero(stops);
    units += static_cast<uint32_t>(before);
    if (wide != 0) {
      // Every byte but those that go on with a character is one unit, the first of four is two.
      const uint32_t these = stops == 0 ? 0xffff : (1u << before) - 1;
      const auto tails = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmplt_epi8(sixteen, _mm_set1_epi8(-64))));
      const __m128i four = _mm_set1_epi8(static_cast<char>(0xf0));
      const auto fours = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(sixteen, four), sixteen)));
      units += static_cast<uint32_t>(std::popcount(fours & these)) - static_cast<uint32_t>(std::popcount(tails & these));
    }
    if (stops != 0) return i + static_cast<size_t>(before);
  }
#endif
  for (; i < end; i++) {
    const uint8_t byte = bytes[i];
    if (byte == '"' || byte == '\\' || byte < 0x20) break;
    out[i - at] = byte;
    units += (byte & 0xc0) != 0x80 ? 1 + (byte >= 0xf0) : 0;
  }
  return i;
}

inline int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The four digits at `at`, -1 for others.
inline int32_t hex_unit(const uint8_t* bytes, size_t at, size_t end) {
  if (end - at < 4) return -1;
  int32_t unit = 0;
  for (size_t i = at; i < at + 4; i++) {
    const int digit = hex_digit(bytes[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

// The character that a backslash and the byte behind it stand for, 0 for none of these.
inline uint8_t simple_escape(uint8_t byte) {
  switch (byte) {
    case '"':
    case '\\':
    case '/':
      return byte;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

// Decodes the string behind the quote before `at` to `out`, never longer than what it reads. Returns the place of its
// closing quote; kNone where there is none, for a control character, a wrong escape and half of a surrogate pair.
inline size_t decode_string(const uint8_t* bytes, size_t at, size_t end, uint8_t* out, size_t& written, uint32_t& units) {
  size_t to = 0;
  for (;;) {
    const size_t stop = copy_plain(bytes, at, end, out + to, units);
    to += stop - at;
    if (stop == end) return kNone;
    if (bytes[stop] == '"') {
      written = to;
      return stop;
    }
    if (bytes[stop] != '\\' || stop + 1 == end) return kNone;
    const uint8_t simple = simple_escape(bytes[stop + 1]);
    at = stop + 2;
    if (simple != 0) {
      out[to++] = simple;
      units++;
      continue;
    }
    if (bytes[stop + 1] != 'u') return kNone;
    const int32_t unit = hex_unit(bytes, at, end);
    if (unit < 0) return kNone;
    at += 4;
    auto code_point = static_cast<uint32_t>(unit);
    if ((code_point & 0xf800) == 0xd800) {
      if (code_point >= 0xdc00 || end - at < 6 || bytes[at] != '\\' || bytes[at + 1] != 'u') return kNone;
      const int32_t low = hex_unit(bytes, at + 2, end);
      if (low < 0xdc00 || low >= 0xe000) return kNone;
      at += 6;
      code_point = 0x10000 + ((code_point & 0x3ff) << 10) + (static_cast<uint32_t>(low) & 0x3ff);
      units++;
    }
    to = static_cast<size_t>(utf8::write(code_point, out + to) - out);
    units++;
  }
}

}  // namespace corpusmill::json
