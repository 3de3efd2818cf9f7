// Tables that fold texts character by character; src/dedup/fold-table.ts says what is in them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

constexpr size_t kFoldUnits = 0x10000;

// Of an entry, above the unit that stands for this one.
constexpr int32_t kFoldLetter = 1 << 16, kFoldBlank = 1 << 17, kFoldDropped = 1 << 18, kFoldComplex = 1 << 19,
                  kFoldMany = 1 << 20, kFoldPair = 1 << 21;
constexpr int32_t kFoldSpecial = kFoldBlank | kFoldDropped | kFoldComplex | kFoldMany | kFoldPair;
// As many units as stand for one at most.
constexpr size_t kMostFoldUnits = 4;

struct UnitSpan {
  const uint16_t* units = nullptr;
  size_t length = 0;
};

struct FoldTable {
  // kFoldUnits of them.
  const int32_t* entries = nullptr;
  const uint16_t* expansions = nullptr;
  size_t expansion_units = 0;

  // What stands for `text[i]`, whose entry is neither plain, blank nor dropped: several units, or this one and the next. Of length 0
  // when the text must be normalized as a whole.
  UnitSpan special(int32_t entry, const uint16_t* text, size_t i, size_t end) const {
    if ((entry & kFoldMany) != 0) return expansion(static_cast<size_t>(entry & 0xffff));
    if ((entry & kFoldPair) != 0 && i + 1 < end && is_plain_pair(text[i], text[i + 1])) return {text + i, 2};
    return {};
  }

 private:
  UnitSpan expansion(size_t at) const {
    if (at >= expansion_units) return {};
    const size_t length = expansions[at];
    if (length > kMostFoldUnits || length > expansion_units - at - 1) return {};
    return {expansions + at + 1, length};
  }

  // U+1F300…U+1FAFF.
  static bool is_plain_pair(uint16_t high, uint16_t low) {
    const uint32_t code_point = 0x10000u + ((static_cast<uint32_t>(high) - 0xd800u) << 10) + (low - 0xdc00u);
    return (low & 0xfc00) == 0xdc00 && code_point >= 0x1f300 && code_point <= 0x1faff;
  }
};

}  // namespace corpusmill
