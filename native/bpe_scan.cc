// See bpe_scan.h. A piece is decided by its first character and the one after it; runs of ASCII letters, which most text
// is made of, are measured sixteen bytes at a time with instructions that every x86-64 and arm64 has.

#include "bpe_scan.h"

#include <bit>
#include <limits>

#include "inline.h"
#include "unicode_class.h"

#if defined(__SSE2__) || defined(_M_X64)
#define CORPUSMILL_SSE2 1
#include <emmintrin.h>
#elif defined(__aarch64__) || defined(_M_ARM64)
#define CORPUSMILL_NEON 1
#include <arm_neon.h>
#endif

namespace corpusmill::bpe {
namespace {

using unicode::Character;
using unicode::character;
using unicode::kBase;
using unicode::kLetter;
using unicode::kLower;
using unicode::kMark;
using unicode::kNumber;
using unicode::kOther;
using unicode::kSpace;
using unicode::kUpper;

constexpr uint8_t kLineFeed = 0x0a;
constexpr uint8_t kCarriageReturn = 0x0d;
constexpr uint8_t kBlank = 0x20;
constexpr uint8_t kApostrophe = 0x27;

CORPUSMILL_INLINE bool is_newline(uint8_t byte) { return byte == kLineFeed || byte == kCarriageReturn; }

CORPUSMILL_INLINE bool is_ascii_letter(uint8_t byte) { return static_cast<uint8_t>((byte | 0x20) - 'a') < 26; }

// How many of the bytes from `at` on are in the range [first, first + count) once `fold` is or-ed to them.
template <uint8_t kFold, uint8_t kFirst, uint8_t kCount>
CORPUSMILL_INLINE size_t skip_range(const uint8_t* bytes, size_t at, size_t end) {
#if defined(CORPUSMILL_SSE2)
  // Moved so that the range lies at the bottom of the signed bytes.
  const __m128i fold = _mm_set1_epi8(static_cast<char>(kFold));
  const __m128i shift = _mm_set1_epi8(static_cast<char>(0x80 - kFirst));
  const __m128i bound = _mm_set1_epi8(static_cast<char>(0x80 + kCount));
  for (; at + 16 <= end; at += 16) {
    const __m128i folded = _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at)), fold);
    const __m128i inside = _mm_cmplt_epi8(_mm_add_epi8(folded, shift), bound);
    const auto outside = static_cast<uint32_t>(_mm_movemask_epi8(inside)) ^ 0xffffu;
    if (outside != 0) return at + std::countr_zero(outside);
  }
#elif defined(CORPUSMILL_NEON)
  for (; at + 16 <= end; at += 16) {
    const uint8x16_t folded = vorrq_u8(vld1q_u8(bytes + at), vdupq_n_u8(kFold));
    const uint8x16_t outside = vcgeq_u8(vsubq_u8(folded, vdupq_n_u8(kFirst)), vdupq_n_u8(kCount));
    // Four bits for each byte.
    const uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(outside), 4)), 0);
    if (mask != 0) return at + (std::countr_zero(mask) >> 2);
  }
#endif
  while (at < end && static_cast<uint8_t>((bytes[at] | kFold) - kFirst) < kCount) at++;
  return at;
}

CORPUSMILL_INLINE size_t skip_ascii_letters(const uint8_t* bytes, size_t at, size_t end) {
  return skip_range<0x20, 'a', 26>(bytes, at, end);
}

CORPUSMILL_INLINE size_t skip_letters(const uint8_t* bytes, size_t at, size_t end) {
  at = skip_ascii_letters(bytes, at, end);
  while (at < end && bytes[at] >= 0x80) {
    const Character here = unicode::wide_character(bytes, at, end);
    if ((here.value & kBase) != kLetter) return at;
    at += here.width;
    if (at < end && is_ascii_letter(bytes[at])) at = skip_ascii_letters(bytes, at, end);
  }
  return at;
}

CORPUSMILL_INLINE size_t skip_numbers(const uint8_t* bytes, size_t at, size_t end, size_t most) {
  for (; at < end && most > 0; most--) {
    const Character here = character(bytes, at, end);
    if ((here.value & kBase) != kNumber) break;
    at += here.width;
  }
  return at;
}

CORPUSMILL_INLINE size_t skip_others(const uint8_t* bytes, size_t at, size_t end) {
  while (at < end) {
    const Character here = character(bytes, at, end);
    if ((here.value & kBase) != kOther) break;
    at += here.width;
  }
  return at;
}

template <bool kSlashes = false>
CORPUSMILL_INLINE size_t skip_newlines(const uint8_t* bytes, size_t at, size_t end) {
  while (at < end && (is_newline(bytes[at]) || (kSlashes && bytes[at] == '/'))) at++;
  return at;
}

// See skipSpaces of the twin.
template <bool kToNewline>
CORPUSMILL_INLINE size_t skip_spaces(const uint8_t* bytes, size_t start, size_t end) {
  size_t at = start;
  size_t last = start;
  size_t after_newline = 0;
  while (at < end) {
    if (bytes[at] == kBlank) {
      const size_t next = skip_range<0, kBlank, 1>(bytes, at, end);
      last = next - 1;
      at = next;
      continue;
    }
    const Character here = character(bytes, at, end);
    if (here.value != kSpace) break;
    last = at;
    at += here.width;
    if (is_newline(bytes[last])) after_newline = at;
  }
  if (kToNewline && after_newline > 0) return after_newline;
  return at == end || last == start ? at : last;
}

// End of s|t|re|ve|m|ll|d behind an apostrophe, or 0. In any case where the pattern says so, with the long s U+017F.
template <bool kAnyCase>
size_t contraction_end(const uint8_t* bytes, size_t at, size_t end) {
  if (at >= end) return 0;
  constexpr uint8_t kFold = kAnyCase ? 0x20 : 0;
  if (bytes[at] < 0x80) {
    const uint8_t one = bytes[at] | kFold;
    if (one == 's' || one == 't' || one == 'm' || one == 'd') return at + 1;
    if (at + 1 >= end || bytes[at + 1] >= 0x80) return 0;
    const uint8_t two = bytes[at + 1] | kFold;
    return (two == 'e' && (one == 'r' || one == 'v')) || (one == 'l' && two == 'l') ? at + 2 : 0;
  }
  return kAnyCase && at + 1 < end && bytes[at] == 0xc5 && bytes[at + 1] == 0xbf ? at + 2 : 0;
}

// src/tokenizer/scan-cl100k.ts
template <size_t kMostDigits>
CORPUSMILL_INLINE size_t cl100k_end(const uint8_t* bytes, size_t start, size_t end) {
  const uint8_t lead = bytes[start];
  // Most pieces: a space and a word.
  if (lead == kBlank && start + 1 < end && is_ascii_letter(bytes[start + 1])) return skip_letters(bytes, start + 2, end);
  const Character first = character(bytes, start, end);
  const uint8_t base = first.value & kBase;
  const size_t next = start + first.width;
  if (base == kLetter) return skip_letters(bytes, next, end);
  if (base == kNumber) return kMostDigits == 1 ? next : skip_numbers(bytes, next, end, kMostDigits - 1);
  if (lead == kApostrophe) {
    const size_t after = contraction_end<true>(bytes, next, end);
    if (after > 0) return after;
  }
  if (next < end && !is_newline(lead)) {
    const Character second = character(bytes, next, end);
    if ((second.value & kBase) == kLetter) return skip_letters(bytes, next + second.width, end);
    if ((second.value & kBase) == kOther && lead == kBlank) {
      return skip_newlines(bytes, skip_others(bytes, next + second.width, end), end);
    }
  }
  if (base == kOther) return skip_newlines(bytes, skip_others(bytes, next, end), end);
  return skip_spaces<true>(bytes, start, end);
}

// src/tokenizer/scan-gpt2.ts
CORPUSMILL_INLINE size_t gpt2_end(const uint8_t* bytes, size_t start, size_t end) {
  const uint8_t lead = bytes[start];
  if (lead == kBlank && start + 1 < end && is_ascii_letter(bytes[start + 1])) return skip_letters(bytes, start + 2, end);
  if (lead == kApostrophe) {
    const size_t after = contraction_end<false>(bytes, start + 1, end);
    if (after > 0) return after;
  }
  Character body = character(bytes, start, end);
  size_t next = start + body.width;
  if (lead == kBlank && next < end) {
    const Character second = character(bytes, next, end);
    if (second.value != kSpace) {
      body = second;
      next += second.width;
    }
  }
  const uint8_t base = body.value & kBase;
  if (base == kLetter) return skip_letters(bytes, next, end);
  if (base == kNumber) return skip_numbers(bytes, next, end, std::numeric_limits<size_t>::max());
  if (base == kOther) return skip_others(bytes, next, end);
  return skip_spaces<false>(bytes, start, end);
}

CORPUSMILL_INLINE bool is_of_word(uint8_t value) { return (value & kBase) == kLetter || (value & kMark) != 0; }

// See wordEnd of src/tokenizer/scan-o200k.ts.
CORPUSMILL_INLINE size_t o200k_word_end(const uint8_t* bytes, size_t start, size_t body, size_t end) {
  size_t at = body;
  size_t last_lower = 0;
  bool lower_follows = false;
  // Lower-case ASCII at once: most words.
  if (static_cast<uint8_t>(bytes[at] - 'a') < 26) {
    lower_follows = true;
  } else {
    while (at < end) {
      const Character here = character(bytes, at, end);
      if ((here.value & kLower) != 0) {
        lower_follows = true;
        break;
      }
      if (!is_of_word(here.value)) break;
      at += here.width;
      if ((here.value & kUpper) == 0) last_lower = at;
    }
  }
  if (lower_follows) {
    at = skip_range<0, 'a', 26>(bytes, at, end);
    while (at < end && bytes[at] >= 0x80) {
      const Character here = unicode::wide_character(bytes, at, end);
      if (!is_of_word(here.value) || (here.value & kUpper) != 0) break;
      at += here.width;
      if (at < end && static_cast<uint8_t>(bytes[at] - 'a') < 26) at = skip_range<0, 'a', 26>(bytes, at, end);
    }
  } else if (last_lower > 0) {
    at = last_lower;
  } else if (start < body && (character(bytes, start, end).value & kMark) != 0) {
    at = body;
  }
  if (at < end && bytes[at] == kApostrophe) {
    const size_t after = contraction_end<true>(bytes, at + 1, end);
    if (after > 0) return after;
  }
  return at;
}

CORPUSMILL_INLINE size_t o200k_end(const uint8_t* bytes, size_t start, size_t end) {
  const uint8_t lead = bytes[start];
  if (lead == kBlank && start + 1 < end && is_ascii_letter(bytes[start + 1])) {
    return o200k_word_end(bytes, start, start + 1, end);
  }
  const Character first = character(bytes, start, end);
  const uint8_t base = first.value & kBase;
  if (base == kNumber) return skip_numbers(bytes, start, end, 3);
  if (base == kLetter) return o200k_word_end(bytes, start, start, end);
  const size_t next = start + first.width;
  uint8_t second = kSpace;
  if (next < end && !is_newline(lead)) {
    second = character(bytes, next, end).value;
    if (is_of_word(second)) return o200k_word_end(bytes, start, next, end);
  }
  if ((first.value & kMark) != 0) return o200k_word_end(bytes, start, start, end);
  if (base == kOther || (lead == kBlank && (second & kBase) == kOther)) {
    return skip_newlines<true>(bytes, skip_others(bytes, next, end), end);
  }
  return skip_spaces<true>(bytes, start, end);
}

template <size_t (*kPieceEnd)(const uint8_t*, size_t, size_t)>
size_t scan_with(const uint8_t* bytes, size_t start, size_t end, uint32_t* ends, size_t capacity) {
  size_t count = 0;
  size_t at = start;
  while (at < end && count < capacity) {
    at = kPieceEnd(bytes, at, end);
    ends[count++] = static_cast<uint32_t>(at);
  }
  return count;
}

}  // namespace

size_t scan(Pattern pattern, const uint8_t* bytes, size_t start, size_t end, uint32_t* ends, size_t capacity) {
  switch (pattern) {
    case Pattern::kQwen2: return scan_with<cl100k_end<1>>(bytes, start, end, ends, capacity);
    case Pattern::kCl100k: return scan_with<cl100k_end<3>>(bytes, start, end, ends, capacity);
    case Pattern::kGpt2: return scan_with<gpt2_end>(bytes, start, end, ends, capacity);
    case Pattern::kO200k: return scan_with<o200k_end>(bytes, start, end, ends, capacity);
  }
  return 0;
}

}  // namespace corpusmill::bpe
