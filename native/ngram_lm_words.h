// Words of an n-gram language model by their bytes, and texts as word numbers. Twins, with what everything means:
// src/quality/ngram-lm/vocabulary.ts and encode.ts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::ngram_lm {

constexpr uint32_t kUnknown = 0;
constexpr uint32_t kSentenceStart = 1;
constexpr uint32_t kSentenceEnd = 2;

// A vocabulary in memory that another thread may write to: every number read from it is checked before it is used.
struct Words {
  const uint32_t* slots;
  // A power of two.
  size_t slot_count;
  const uint32_t* starts;
  // Words of which both ends are in `starts`.
  size_t count;
  const uint8_t* bytes;
  size_t byte_count;

  // The number of a word, or -1.
  int64_t find(const uint8_t* word, size_t length) const;
};

// Where encoding stands in a text.
struct EncodeState {
  // Bytes read.
  uint32_t position;
  // Word numbers written, and those at the beginning of the sentence at hand.
  uint32_t at;
  uint32_t start;
};

enum class Halt { kDone, kNewWord, kFull };

// Writes sentences as word numbers to `ids` from state->at on. Words that are not known are kUnknown or, if `is_open`, it stops
// in front of them; it stops too where `capacity` leaves no room.
Halt encode(const Words& words, const uint8_t* bytes, size_t length, bool is_open, bool keep_empty, uint32_t* ids,
            size_t capacity, EncodeState* state);

}  // namespace corpusmill::ngram_lm
