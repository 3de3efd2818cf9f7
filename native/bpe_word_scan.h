// Looking through the symbols of a word, and closing gaps in it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "inline.h"

#ifdef CORPUSMILL_X86
#include <emmintrin.h>
#endif

namespace corpusmill::bpe {

#ifdef CORPUSMILL_X86
template <typename Symbol>
class Lanes;

template <>
class Lanes<uint16_t> {
 public:
  static __m128i all(uint32_t symbol) { return _mm_set1_epi16(static_cast<int16_t>(symbol)); }
  static __m128i same(__m128i a, __m128i b) { return _mm_cmpeq_epi16(a, b); }
};

template <>
class Lanes<uint32_t> {
 public:
  static __m128i all(uint32_t symbol) { return _mm_set1_epi32(static_cast<int32_t>(symbol)); }
  static __m128i same(__m128i a, __m128i b) { return _mm_cmpeq_epi32(a, b); }
};
#endif

// Where from `from` on the word has `left` and then `right`; its length where it has not. Reads nothing outside of the record:
// other threads may write to those beside it.
template <typename Record>
CORPUSMILL_INLINE uint32_t find_pair(const Record& word, uint32_t from, uint32_t left, uint32_t right) {
  const auto* const symbols = word.symbols();
  const uint32_t end = word.length;
#ifdef CORPUSMILL_X86
  using Symbol = std::remove_cvref_t<decltype(*symbols)>;
  using Lane = Lanes<Symbol>;
  constexpr uint32_t kLanes = 16 / sizeof(Symbol);
  static_assert(sizeof(Record) >= 16, "the last lanes of a short word begin in its header");
  const __m128i lefts = Lane::all(left), rights = Lane::all(right);
  const auto found_at = [&](const Symbol* at) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_and_si128(Lane::same(here, lefts), Lane::same(next, rights))));
  };
  uint32_t i = from;
  for (; i + kLanes < end; i += kLanes) {
    const uint32_t found = found_at(symbols + i);
    if (found != 0) return i + static_cast<uint32_t>(std::countr_zero(found)) / sizeof(Symbol);
  }
  if (i + 1 >= end) return end;
  // The last lanes, up to the end; `seen` of them lie before.
  const uint32_t seen = i + kLanes + 1 - end;
  const uint32_t found = found_at(symbols + i - seen) >> seen * sizeof(Symbol);
  return found == 0 ? end : i + static_cast<uint32_t>(std::countr_zero(found)) / sizeof(Symbol);
#else
  for (uint32_t i = from; i + 1 < end; i++) {
    if (symbols[i] == left && symbols[i + 1] == right) return i;
  }
  return end;
#endif
}

// Copies `count` symbols to a lower place, which may overlap.
template <typename Symbol>
CORPUSMILL_INLINE void move_down(Symbol* to, const Symbol* from, uint32_t count) {
  constexpr uint32_t kAtOnce = sizeof(uint64_t) / sizeof(Symbol);
  uint32_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    uint64_t some;
    std::memcpy(&some, from + i, sizeof some);
    std::memcpy(to + i, &some, sizeof some);
  }
  for (; i < count; i++) to[i] = from[i];
}

}  // namespace corpusmill::bpe
