// Classes of characters, as src/tokenizer/unicode-classes.ts has them: that file hands its table over once per process, so
// that there is one source. Two-stage: 128 code points a block, equal blocks stored once (some 40 KiB instead of 1.1 MiB).
#pragma once

#include <cstddef>
#include <cstdint>

#include "inline.h"

namespace corpusmill::unicode {

constexpr size_t kCodePoints = 0x110000;

// The low two bits, and further bits for case and marks.
constexpr uint8_t kOther = 0;
constexpr uint8_t kLetter = 1;
constexpr uint8_t kNumber = 2;
constexpr uint8_t kSpace = 3;
constexpr uint8_t kBase = 3;
constexpr uint8_t kUpper = 4;
constexpr uint8_t kLower = 8;
constexpr uint8_t kMark = 16;

constexpr size_t kBlockBits = 7;
// Whatever four bytes may spell, also where they are not UTF-8.
constexpr size_t kBlocks = 0x200000 >> kBlockBits;
constexpr size_t kMostBlocks = 1024;

struct Classes {
  uint16_t block_of[kBlocks];
  uint8_t blocks[kMostBlocks << kBlockBits];
};
extern Classes classes;

// Takes the table of `kCodePoints` classes; later calls change nothing. False: it is not such a table.
bool set_classes(const uint8_t* table);
// Whether the table is there. Nothing below may be called before.
bool has_classes();

CORPUSMILL_INLINE uint8_t class_of(uint32_t code_point) {
  return classes.blocks[(static_cast<size_t>(classes.block_of[code_point >> kBlockBits]) << kBlockBits) |
                        (code_point & ((1u << kBlockBits) - 1))];
}

struct Character {
  uint8_t value;
  uint8_t width;
};

// Class and width of the character at `at` < `end`, whose first byte is 0x80 or more. A sequence that the end cuts, or a
// stray byte, is a character of class kOther: no input makes it read past `end`.
CORPUSMILL_INLINE Character wide_character(const uint8_t* bytes, size_t at, size_t end) {
  const uint32_t lead = bytes[at];
  const size_t left = end - at;
  if (lead >= 0xe0 && lead < 0xf0 && left >= 3) {
    return {class_of(((lead & 0x0f) << 12) | ((bytes[at + 1] & 0x3fu) << 6) | (bytes[at + 2] & 0x3fu)), 3};
  }
  if (lead >= 0xc0 && lead < 0xe0 && left >= 2) return {class_of(((lead & 0x1f) << 6) | (bytes[at + 1] & 0x3fu)), 2};
  if (lead >= 0xf0 && left >= 4) {
    return {class_of(((lead & 0x07) << 18) | ((bytes[at + 1] & 0x3fu) << 12) | ((bytes[at + 2] & 0x3fu) << 6) |
                     (bytes[at + 3] & 0x3fu)),
            4};
  }
  return {kOther, 1};
}

CORPUSMILL_INLINE Character character(const uint8_t* bytes, size_t at, size_t end) {
  const uint8_t lead = bytes[at];
  if (lead < 0x80) return {classes.blocks[lead], 1};  // block 0 is that of ASCII
  return wide_character(bytes, at, end);
}

}  // namespace corpusmill::unicode
