// Words of a text: UAX #29 borders and what filters ask of each word. Twins: src/text/word-break.ts and src/text/words.ts,
// which say what everything means; tables are theirs too, one byte per code point below kTableCodePoints.

#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::words {

constexpr uint32_t kTableCodePoints = 0x20000;

// The output is full, or the text holds a code point beyond the tables: the caller makes room, or asks the twin.
constexpr int64_t kFull = -1;
constexpr int64_t kBeyondTables = -2;

// Borders of words, white space left out, unspaced scripts by character. Writes at most `capacity` pairs and returns their
// number, kFull or kBeyondTables.
int64_t break_words(const uint16_t* units, size_t length, const uint8_t* classes, uint32_t* starts, uint32_t* ends,
                    size_t capacity);

struct Features {
  uint8_t* flags;
  int32_t* low;
  int32_t* high;
  // Entry i: of the first i words; count + 1 entries.
  uint32_t* units_before;
  uint32_t* chars_before;
  int32_t* low_before;
  int32_t* high_before;
  uint16_t* stream;
  // Proper words, their code points, words with a letter.
  uint32_t* totals;
};

// Features of `count` words. `starts` and `ends` must be ascending, disjoint and within the text. False: beyond the tables.
bool read_words(const uint16_t* units, const uint32_t* starts, const uint32_t* ends, size_t count, const uint8_t* flags,
                bool has_surrogates, const Features& out);

}  // namespace corpusmill::words
