// See words.h. Follows its twins step by step, so that a difference between them can be found by reading side by side.

#include "words.h"

namespace corpusmill::words {
namespace {

// src/text/word-class.ts
enum Class : uint8_t {
  kOther = 0,
  kCr = 1,
  kLf = 2,
  kNewline = 3,
  kExtend = 4,
  kZwj = 6,
  kWsegSpace = 7,
  kALetter = 8,
  kHebrewLetter = 9,
  kNumeric = 10,
  kKatakana = 11,
  kHanHiragana = 12,
  kExtendNumLet = 13,
  kMidLetter = 14,
  kMidNumLet = 15,
  kMidNum = 16,
  kSingleQuote = 17,
  kDoubleQuote = 18,
  kRegionalIndicator = 19,
  kSurrogate = 20,
  kHangul = 21,
  // Second regional indicator of a flag: nothing joins it but marks.
  kFlagDone = 30,
};
constexpr uint8_t kClassMask = 31;
constexpr uint8_t kPictographic = 32;
constexpr uint8_t kDictionary = 64;
constexpr uint8_t kWhite = 128;
constexpr uint8_t kSpace = kWsegSpace | kWhite;
constexpr uint8_t kLineFeed = kLf | kWhite;

enum Wanted { kNothing, kLetters, kDigits, kHebrew };

bool is_mark(uint8_t cls) { return cls >= kExtend && cls <= kZwj; }
bool is_line_end(uint8_t cls) { return cls >= kCr && cls <= kNewline; }

// The common borders, decided without looking further.
bool ends_word(uint8_t sig, uint8_t next) {
  if (next == kSpace) return sig != kWsegSpace;
  if (next == kOther || next == kLineFeed) return true;
  return next == kALetter && (sig == kWsegSpace || sig == kOther);
}

bool joins(uint8_t sig, uint8_t last, uint8_t cls) {
  switch (sig) {
    case kALetter:
    case kHebrewLetter:
    case kNumeric:
      return cls == kALetter || cls == kNumeric || cls == kHebrewLetter || cls == kExtendNumLet;
    case kWsegSpace:
      return cls == kWsegSpace && last == kWsegSpace;
    case kKatakana:
      return cls == kKatakana || cls == kExtendNumLet || (cls == kHanHiragana && last == kKatakana);
    case kHanHiragana:
      return (cls == kHanHiragana || cls == kKatakana) && last == kHanHiragana;
    case kHangul:
      return cls == kHangul && last == kHangul;
    case kExtendNumLet:
      return cls == kALetter || cls == kNumeric || cls == kHebrewLetter || cls == kExtendNumLet || cls == kKatakana;
    case kRegionalIndicator:
      return cls == kRegionalIndicator;
    default:
      return false;
  }
}

Wanted wanted_after(uint8_t sig, uint8_t cls) {
  if (sig == kALetter || sig == kHebrewLetter) {
    if (cls == kMidLetter || cls == kMidNumLet || cls == kSingleQuote) return kLetters;
    return sig == kHebrewLetter && cls == kDoubleQuote ? kHebrew : kNothing;
  }
  if (sig == kNumeric && (cls == kMidNum || cls == kMidNumLet || cls == kSingleQuote)) return kDigits;
  return kNothing;
}

// Walks one text; `beyond` is set when a code point has no entry in the table.
struct Breaker {
  const uint16_t* units;
  size_t length;
  const uint8_t* classes;
  bool beyond = false;
  bool saw_dictionary = false;

  uint8_t class_at(size_t position, size_t end, size_t* width) {
    const uint16_t unit = units[position];
    const uint8_t value = classes[unit];
    *width = 1;
    if (value != kSurrogate) return value;
    if (unit >= 0xdc00 || position + 1 >= end) return kOther;
    const uint16_t low = units[position + 1];
    if (low < 0xdc00 || low > 0xdfff) return kOther;
    *width = 2;
    const uint32_t code_point = 0x10000 + ((unit & 0x3ffu) << 10) + (low & 0x3ffu);
    if (code_point < kTableCodePoints) return classes[code_point];
    beyond = true;
    return kOther;
  }

  // The position after the next character that is no mark or joiner, if it is of the wanted kind; else 0.
  size_t next_if_like(size_t position, Wanted wanted, uint8_t* next_class) {
    size_t width = 1;
    for (; position < length; position += width) {
      const uint8_t value = class_at(position, length, &width);
      const uint8_t cls = value & kClassMask;
      if (is_mark(cls)) continue;
      const bool fits =
          wanted == kDigits ? cls == kNumeric : cls == kHebrewLetter || (wanted == kLetters && cls == kALetter);
      if (!fits) return 0;
      *next_class = cls;
      if ((value & kDictionary) != 0) saw_dictionary = true;
      return position + width;
    }
    return 0;
  }

  size_t segment_end(size_t position, uint8_t sig) {
    uint8_t last = sig;
    size_t width = 1;
    while (position < length) {
      const uint8_t value = class_at(position, length, &width);
      const uint8_t cls = value & kClassMask;
      const size_t step = width;
      if (is_line_end(cls)) return position;
      if (is_mark(cls)) {
        last = cls;
      } else if (last == kZwj && (value & kPictographic) != 0) {
        sig = last = cls;
      } else if (joins(sig, last, cls)) {
        sig = last = sig == kRegionalIndicator ? static_cast<uint8_t>(kFlagDone) : cls;
      } else {
        const Wanted wanted = wanted_after(sig, cls);
        uint8_t next_class = 0;
        const size_t next = wanted == kNothing ? 0 : next_if_like(position + step, wanted, &next_class);
        if (next != 0) {
          position = next;
          sig = last = next_class;
          continue;
        }
        if (sig != kHebrewLetter || cls != kSingleQuote) return position;
        sig = last = cls;  // WB7a
      }
      if ((value & kDictionary) != 0) saw_dictionary = true;
      position += step;
    }
    return position;
  }

  bool has_dictionary(size_t start, size_t end) {
    size_t width = 1;
    for (size_t position = start; position < end; position += width) {
      if ((class_at(position, end, &width) & kDictionary) != 0) return position > start || position + width < end;
    }
    return false;
  }

  bool is_white(size_t start, size_t end) const {
    for (size_t i = start; i < end; i++) {
      if ((classes[units[i]] & kWhite) == 0) return false;
    }
    return true;
  }
};

}  // namespace

int64_t break_words(const uint16_t* units, size_t length, const uint8_t* classes, uint32_t* starts, uint32_t* ends,
                    size_t capacity) {
  Breaker breaker{units, length, classes};
  size_t count = 0;
  size_t position = 0;
  auto add = [&](size_t start, size_t end) {
    if (count == capacity) return false;
    starts[count] = static_cast<uint32_t>(start);
    ends[count++] = static_cast<uint32_t>(end);
    return true;
  };
  while (position < length) {
    const size_t start = position;
    const uint8_t first = classes[units[position]];
    position++;
    uint8_t sig = first & kClassMask;
    if (first == kALetter) {
      while (position < length && classes[units[position]] == kALetter) position++;
    } else if (first == kSpace) {
      while (position < length && classes[units[position]] == kSpace) position++;
    } else if (first == (kCr | kWhite)) {
      if (position < length && units[position] == 0x0a) position++;
    } else if (sig == kSurrogate) {
      size_t width = 1;
      sig = breaker.class_at(start, length, &width) & kClassMask;
      position = start + width;
    }
    if (is_line_end(sig)) continue;
    if (position < length && !ends_word(sig, classes[units[position]])) {
      breaker.saw_dictionary = false;
      position = breaker.segment_end(position, sig);
      if ((breaker.saw_dictionary || (first & kDictionary) != 0 || sig == kHanHiragana) &&
          breaker.has_dictionary(start, position)) {
        // Every letter of an unspaced script by itself; marks stay with what they follow.
        size_t from = start;
        size_t width = 1;
        bool is_single = false;
        for (size_t at = start; at < position; at += width) {
          const uint8_t value = breaker.class_at(at, position, &width);
          const uint8_t cls = value & kClassMask;
          if (is_mark(cls)) continue;
          const bool single = cls == kHanHiragana || (cls != kKatakana && (value & kDictionary) != 0);
          if (at > from && (single || is_single)) {
            if (!add(from, at)) return kFull;
            from = at;
          }
          is_single = single;
        }
        if (!add(from, position)) return kFull;
        if (breaker.beyond) return kBeyondTables;
        continue;
      }
    }
    if (breaker.beyond) return kBeyondTables;
    if ((first & kWhite) != 0 && breaker.is_white(start, position)) continue;
    if (!add(start, position)) return kFull;
  }
  return static_cast<int64_t>(count);
}

namespace {

constexpr uint32_t kBaseLow = 0x01000193;
constexpr uint32_t kBaseHigh = 0x2c1b3c6d;

// Powers of a base: prefix hashes need base^length for every word, and most words are short.
constexpr size_t kPowers = 64;
struct Powers {
  uint32_t of[kPowers];
  uint32_t base;
  constexpr explicit Powers(uint32_t given) : of{}, base(given) {
    uint32_t power = 1;
    for (size_t i = 0; i < kPowers; i++, power *= given) of[i] = power;
  }
  uint32_t at(size_t exponent) const {
    if (exponent < kPowers) return of[exponent];
    uint32_t result = 1;
    for (uint32_t square = base; exponent > 0; exponent >>= 1, square *= square) {
      if ((exponent & 1) != 0) result *= square;
    }
    return result;
  }
};
constexpr Powers kPowersLow(kBaseLow);
constexpr Powers kPowersHigh(kBaseHigh);

// src/text/char-class.ts
constexpr uint8_t kAlpha = 1;
constexpr uint8_t kSymbol = 2;

}  // namespace

bool read_words(const uint16_t* units, const uint32_t* starts, const uint32_t* ends, size_t count, const uint8_t* flags,
                bool has_surrogates, const Features& out) {
  size_t written = 0;
  uint32_t chars = 0;
  uint32_t prefix_low = 0;
  uint32_t prefix_high = 0;
  uint32_t proper_words = 0;
  uint32_t proper_chars = 0;
  uint32_t alpha_words = 0;
  for (size_t i = 0; i < count; i++) {
    const size_t start = starts[i];
    const size_t end = ends[i];
    uint32_t low = 0;
    uint32_t high = 0;
    uint8_t any = 0;
    uint8_t all = 0xff;
    uint32_t length = static_cast<uint32_t>(end - start);
    out.units_before[i] = static_cast<uint32_t>(written);
    for (size_t k = start; k < end; k++) {
      const uint16_t unit = units[k];
      out.stream[written++] = unit;
      low = low * kBaseLow + unit + 1;
      high = high * kBaseHigh + unit + 1;
      any |= flags[unit];
      all &= flags[unit];
    }
    if (has_surrogates) {
      for (size_t k = start; k + 1 < end; k++) {
        if ((units[k] & 0xfc00) != 0xd800 || (units[k + 1] & 0xfc00) != 0xdc00) continue;
        const uint32_t code_point = 0x10000 + ((units[k] & 0x3ffu) << 10) + (units[k + 1] & 0x3ffu);
        if (code_point >= kTableCodePoints) return false;
        any |= flags[code_point];
        // The halves of the pair cleared `all`; a symbol beyond the BMP sets it back when it is the whole word.
        if (length == 2 && end - start == 2) all = flags[code_point];
        length--;
        k++;
      }
    }
    const uint8_t proper = (all & kSymbol) == 0 ? 1 : 0;
    const uint8_t alpha = (any & kAlpha) != 0 ? 2 : 0;
    out.flags[i] = proper | alpha;
    proper_words += proper;
    proper_chars += proper * length;
    alpha_words += alpha >> 1;
    out.low[i] = static_cast<int32_t>(low);
    out.high[i] = static_cast<int32_t>(high);
    out.chars_before[i] = chars;
    out.low_before[i] = static_cast<int32_t>(prefix_low);
    out.high_before[i] = static_cast<int32_t>(prefix_high);
    chars += length;
    prefix_low = prefix_low * kPowersLow.at(end - start) + low;
    prefix_high = prefix_high * kPowersHigh.at(end - start) + high;
  }
  out.units_before[count] = static_cast<uint32_t>(written);
  out.chars_before[count] = chars;
  out.low_before[count] = static_cast<int32_t>(prefix_low);
  out.high_before[count] = static_cast<int32_t>(prefix_high);
  out.totals[0] = proper_words;
  out.totals[1] = proper_chars;
  out.totals[2] = alpha_words;
  return true;
}

}  // namespace corpusmill::words
