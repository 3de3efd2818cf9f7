// The texts of a training, kept as numbers of words, and what becomes of them: rows of the input matrix. The contract is
// src/quality/fasttext/training-texts.ts; its twin gives the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fasttext_memory.h"
#include "fasttext_words.h"

namespace corpusmill::fasttext {

class Texts {
 public:
  Texts();
  // Whether there was memory to begin with.
  bool ok() const { return slots_.size() > 0; }

  // Adds a text: its words and </s>. False when there is no memory (or more than 2^31 - 1 different words); the text is then
  // not there.
  bool add(const uint8_t* bytes, size_t length);

  size_t texts() const { return lengths_.size(); }
  size_t tokens() const { return tokens_.size(); }
  size_t types() const { return hashes_.size(); }
  size_t type_bytes() const { return bytes_.size(); }

  // The different words in order of first occurrence: bytes [type_bytes], starts [types + 1], counts [types].
  void read_types(uint8_t* bytes, double* starts, double* counts) const;
  // Tokens of each text [texts].
  void read_lengths(uint32_t* lengths) const;

  // What each text asks for: for each word its unit (unit_of[type], left out where negative), then each word n-gram as
  // first_ngram + the rank of its bucket. `bits` has the buckets that are in use already and gets those of the word n-grams.
  // Text i's entries are entries[starts[i]] to entries[starts[i + 1]]. There must be room for `most_entries`. False: no memory.
  bool write_entries(const int32_t* unit_of, size_t word_ngrams, uint32_t bucket, int32_t* bits, size_t bit_words,
                     uint32_t first_ngram, uint32_t* entries, double* starts) const;
  // Tokens and word n-grams of all texts.
  size_t most_entries(size_t word_ngrams) const;

 private:
  struct Slot {
    uint32_t hash;
    int32_t type;
  };
  bool grow();
  // Number of the word, new or known; -1: no memory.
  int64_t type_of(const uint8_t* word, size_t length, uint32_t hash);
  bool add_token(const uint8_t* word, size_t length, uint32_t hash);

  Growing<Slot> slots_;
  Growing<uint8_t> bytes_;
  Growing<uint64_t> starts_;
  Growing<uint32_t> hashes_;
  Growing<uint64_t> counts_;
  Growing<uint32_t> tokens_;
  Growing<uint32_t> lengths_;
};

}  // namespace corpusmill::fasttext
