#include "folded_tokens.h"

#include <atomic>
#include <bit>
#include <mutex>

#include "mix.h"

#ifdef CORPUSMILL_X86
#include <immintrin.h>
#endif

namespace corpusmill::folded_tokens {
namespace {

// As in src/text/folded-tokens.ts.
constexpr uint32_t kWord = 1, kCharacter = 2, kSurrogate = 3, kIgnored = 4;
// Of this table alone: nobody has told what the unit is.
constexpr uint32_t kUnknown = 5;
constexpr int32_t kPairIgnored = -0x110000;
constexpr int32_t kPairSeparates = 0x110000;
constexpr uint32_t kMultiplier = 0x01000193;
constexpr size_t kBlock = 64;
// Steps of a word's hash that are always computed; three words in four are no longer.
constexpr size_t kSteps = 8;

std::atomic<int32_t> unit_table[kUnits];
// Of each ASCII unit the folded one, 0 for a separator: ASCII has neither tokens of one character nor ignored ones.
constexpr size_t kAscii = 128;
std::atomic<uint8_t> ascii_table[kAscii];
// What is read of them sixteen or 64 entries at a time.
static_assert(sizeof unit_table == kUnits * sizeof(int32_t) && sizeof ascii_table == kAscii);

CORPUSMILL_INLINE uint32_t entry_of(uint16_t unit) {
  return static_cast<uint32_t>(unit_table[unit].load(std::memory_order_relaxed));
}

// Zero pages until they are touched: a corpus has few of these characters.
std::atomic<int32_t> pair_table[kPairs];

// A text being read: what is left of the last word and where the next token goes.
struct State {
  uint32_t word = 0;
  uint32_t* out;

  void step(uint32_t entry) { word = (word ^ entry) * kMultiplier; }
  void finish() {
    *out = mix32(word);
    out += word != 0;
    word = 0;
  }
};

// Unit by unit, for blocks with pairs or ignored characters. Returns the first unit that was not read, which is behind
// `end` when a pair lies across it, or -1 - i for an unknown unit or pair.
int64_t fold_slowly(const uint16_t* units, size_t i, size_t end, State& state) {
  for (; i < end; i++) {
    const uint32_t entry = entry_of(units[i]);
    const uint32_t kind = entry >> 16;
    if (kind == kWord) {
      state.step(entry);
      continue;
    }
    if (kind == kIgnored) continue;
    if (kind == kUnknown) return -1 - static_cast<int64_t>(i);
    uint32_t character = entry & 0xffff;
    if (kind == kSurrogate) {
      character = 0;
      const uint32_t high = units[i], low = units[i + 1];
      if (high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
        const int32_t found = pair_table[((high - 0xd800) << 10) + (low - 0xdc00)].load(std::memory_order_relaxed);
        if (found == 0) return -1 - static_cast<int64_t>(i);
        if (found != kPairSeparates) i++;
        if (found == kPairIgnored) continue;
        if (found > 0 && found != kPairSeparates) {
          state.step(static_cast<uint32_t>(found) ^ (kWord << 16));
          continue;
        }
        if (found < 0) character = static_cast<uint32_t>(-found);
      }
    }
    state.finish();
    *state.out = mix32(character);
    state.out += character != 0;
  }
  return static_cast<int64_t>(i);
}

CORPUSMILL_INLINE uint32_t hash_run(const uint32_t* entries, size_t run) {
  uint32_t word = 0;
  for (size_t j = 0; j < kSteps; j++) {
    const uint32_t next = (word ^ entries[j]) * kMultiplier;
    word = j < run ? next : word;
  }
  for (size_t j = kSteps; j < run; j++) word = (word ^ entries[j]) * kMultiplier;
  return word;
}

// Which of kBlock units go into words, which are tokens of their own, and whether there are any that only
// fold_slowly can read.
struct Masks {
  uint64_t words = 0;
  uint64_t characters = 0;
  bool others = false;
};

struct PortableLookup {
  CORPUSMILL_INLINE static Masks look_up(const uint16_t* units, uint32_t* entries) {
    Masks masks;
    uint32_t highest = 0;
    for (size_t i = 0; i < kBlock; i++) {
      const uint32_t entry = entry_of(units[i]);
      entries[i] = entry;
      highest = entry > highest ? entry : highest;
      masks.words |= static_cast<uint64_t>((entry >> 16) & 1) << i;
      masks.characters |= static_cast<uint64_t>((entry >> 17) & 1) << i;
    }
    masks.others = (highest >> 16) > kCharacter;
    return masks;
  }
};

#ifdef CORPUSMILL_X86
struct Avx512Lookup {
  // ASCII units are looked up in a table of 128 bytes that lies in two registers, others are gathered.
  __attribute__((target("avx512f,avx512bw,avx512vbmi"), noinline)) static Masks look_up(const uint16_t* units, uint32_t* entries) {
    const __m512i first = _mm512_loadu_si512(units), second = _mm512_loadu_si512(units + 32);
    Masks masks;
    if (_mm512_test_epi16_mask(_mm512_or_si512(first, second), _mm512_set1_epi16(static_cast<short>(0xff80))) == 0) {
      const __m512i bytes = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(first)),
                                               _mm512_cvtepi16_epi8(second), 1);
      const __m512i folded = _mm512_permutex2var_epi8(_mm512_loadu_si512(ascii_table), bytes,
                                                      _mm512_loadu_si512(ascii_table + 64));
      masks.words = _mm512_test_epi8_mask(folded, folded);
      const __m512i word = _mm512_set1_epi32(kWord << 16);
#define CORPUSMILL_WIDEN(lane) \
  _mm512_storeu_si512(entries + 16 * lane, \
                      _mm512_or_si512(word, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(folded, lane))))
      CORPUSMILL_WIDEN(0);
      CORPUSMILL_WIDEN(1);
      CORPUSMILL_WIDEN(2);
      CORPUSMILL_WIDEN(3);
#undef CORPUSMILL_WIDEN
      return masks;
    }
    __m512i highest = _mm512_setzero_si512();
    for (size_t i = 0; i < kBlock; i += 16) {
      const __m512i index =
          _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(units + i)));
      const __m512i entry = _mm512_i32gather_epi32(index, unit_table, 4);
      _mm512_storeu_si512(entries + i, entry);
      highest = _mm512_max_epu32(highest, entry);
      masks.words |= static_cast<uint64_t>(_mm512_test_epi32_mask(entry, _mm512_set1_epi32(kWord << 16))) << i;
      masks.characters |= static_cast<uint64_t>(_mm512_test_epi32_mask(entry, _mm512_set1_epi32(kCharacter << 16)))
                          << i;
    }
    masks.others = _mm512_cmpgt_epu32_mask(highest, _mm512_set1_epi32((kCharacter << 16) | 0xffff)) != 0;
    return masks;
  }
};
#endif

template <typename Lookup>
CORPUSMILL_INLINE int64_t fold_with(const uint16_t* units, size_t length, uint32_t* tokens) {
  State state{0, tokens};
  uint32_t entries[kBlock + kSteps] = {};
  for (size_t at = 0; at <= length;) {
    auto [words, characters, others] = Lookup::look_up(units + at, entries);
    if (others) {
      const int64_t next = fold_slowly(units, at, at + kBlock, state);
      if (next < 0) return next;
      at = static_cast<size_t>(next);
      continue;
    }
    at += kBlock;
    uint32_t* out = state.out;
    // What the block before left open ends here, or goes through.
    if (state.word != 0) {
      const auto run = static_cast<size_t>(std::countr_one(words));
      for (size_t j = 0; j < run; j++) state.step(entries[j]);
      if (run == kBlock) continue;
      words &= ~uint64_t{0} << run;
      state.finish();
      out = state.out;
    }
    uint64_t starts = (words & ~(words << 1)) | characters;
    while (starts != 0) {
      const auto start = static_cast<size_t>(std::countr_zero(starts));
      starts &= starts - 1;
      const auto run = static_cast<size_t>(std::countr_one(words >> start));
      if (run == 0) {
        *out++ = mix32(entries[start] & 0xffff);
        continue;
      }
      const uint32_t word = hash_run(entries + start, run);
      if (start + run == kBlock) {
        state.word = word;
        break;
      }
      *out = mix32(word);
      out += word != 0;
    }
    state.out = out;
  }
  state.finish();
  return state.out - tokens;
}

#ifdef CORPUSMILL_X86
template <typename Lookup>
__attribute__((target("bmi,bmi2,lzcnt,popcnt"))) int64_t fold_bmi(const uint16_t* units, size_t length,
                                                                  uint32_t* tokens) {
  return fold_with<Lookup>(units, length, tokens);
}
#endif

}  // namespace

void set_units(size_t first, const int32_t* entries, size_t count) {
  static std::once_flag once;
  std::call_once(once, [] {
    for (auto& entry : unit_table) entry.store(static_cast<int32_t>(kUnknown << 16), std::memory_order_relaxed);
  });
  for (size_t i = 0; i < count; i++) {
    // Other threads may read or bring the same entry meanwhile.
    unit_table[first + i].store(entries[i], std::memory_order_relaxed);
    if (first + i < kAscii) ascii_table[first + i].store(static_cast<uint8_t>(entries[i]), std::memory_order_relaxed);
  }
}

void set_pair(uint32_t code_point, int32_t entry) {
  pair_table[code_point - 0x10000].store(entry, std::memory_order_relaxed);
}

int64_t fold(uint16_t* units, size_t length, uint32_t* tokens) {
  // Separators past the end close the last word and fill the last block.
  for (size_t i = 0; i < kPadding; i++) units[length + i] = 0x20;
#ifdef CORPUSMILL_X86
  static const int best = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") ? 2
                          : __builtin_cpu_supports("bmi2")                                             ? 1
                                                                                                       : 0;
  if (best == 2) return fold_bmi<Avx512Lookup>(units, length, tokens);
  if (best == 1) return fold_bmi<PortableLookup>(units, length, tokens);
#endif
  return fold_with<PortableLookup>(units, length, tokens);
}

}  // namespace corpusmill::folded_tokens
