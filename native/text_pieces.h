// The lines or paragraphs of texts, their keys and places, as the stages below the document keep them. What each of these is, the
// layout and the twin that gives the same bytes are in src/dedup/pieces: pieces.ts, piece-key.ts, piece-features.ts and observer.ts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fold_table.h"

namespace corpusmill::pieces {

struct Settings {
  bool are_paragraphs;
  // Consecutive pieces that a key stands for, at least 1, and the characters that they have together at least.
  size_t span;
  size_t min_chars;
  FoldTable table;
  // kFoldUnits of them: src/text/char-class.ts.
  const uint8_t* flags;
};

struct Features {
  // Keys of each row.
  std::vector<uint32_t> row_keys;
  // High and low word of each key.
  std::vector<uint32_t> keys;
  std::vector<uint8_t> places;
};

// Reads one text of UTF-16 units after another.
class Reader {
 public:
  explicit Reader(const Settings& settings) : settings_(settings) {}

  // Adds a row to `features`; false, and nothing is added, when a character in it asks for JavaScript's functions on strings.
  bool read(const uint16_t* units, size_t length, Features& features);

 private:
  struct Piece {
    size_t extent, start, end;
    uint64_t chars;
    uint32_t high, low;
    bool has_letters;
  };

  void cut(const uint16_t* units, size_t length);
  bool hash(const uint16_t* units, Piece& piece) const;
  bool is_eligible(size_t first) const;
  void write(const uint16_t* units, size_t length, Features& features);

  Settings settings_;
  std::vector<Piece> pieces_;
  std::vector<uint8_t> keyed_;
};

}  // namespace corpusmill::pieces
