// A text's vector under a fastText model: the mean of the rows of its words and n-grams, in 64 bits. The contract is
// src/quality/fasttext/text-vector.ts; text-vector-twin.ts makes the same additions in the same order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fasttext_memory.h"
#include "fasttext_words.h"

namespace corpusmill::fasttext {

// What n-grams without a row of their own are.
enum class NgramRows : int32_t { kNone = 0, kEvery = 1, kOthersNothing = 2, kOthersZeros = 3 };

struct VectorSettings {
  int32_t dim, minn, maxn, word_ngrams, bucket;
  NgramRows ngrams;
};

class Vectorizer {
 public:
  // Copies the vocabulary (word i lies at starts[i] to starts[i + 1]) and the bits of the n-grams. False: no memory.
  bool init(const VectorSettings& settings, const uint8_t* word_bytes, const double* word_starts, size_t words,
            const int32_t* bits, size_t bit_words);

  // Rows that the input matrix must have.
  size_t rows() const { return words_ + ngram_rows_; }
  size_t dim() const { return static_cast<size_t>(settings_.dim); }

  // Writes the mean of the text's rows of `input` [rows, dim] to `hidden` [dim] and returns their number, 0 when the model
  // knows no part of the text, or -1 when there is no memory.
  int64_t read(const uint8_t* bytes, size_t length, bool end_of_text, const float* input, double* hidden);

 private:
  struct Word {
    uint32_t start, length, hash;
  };
  struct Slot {
    uint32_t hash;
    int32_t word;
  };

  int32_t find(const uint8_t* bytes, size_t length, uint32_t hash) const;
  // The row of an n-gram's bucket, -1: none, -2: zeros.
  int64_t row_of(uint32_t bucket) const;
  bool add_row(int64_t row);
  bool add_subwords(const uint8_t* word, size_t length);
  // Adds the word's rows, their sum rounded to 32 bits, to `hidden`.
  bool add_word(const uint8_t* word, size_t length, uint32_t hash, const float* input, double* hidden);

  VectorSettings settings_{};
  size_t words_ = 0, ngram_rows_ = 0;
  Growing<uint8_t> word_bytes_;
  Growing<uint64_t> word_starts_;
  Growing<Slot> slots_;
  Growing<int32_t> bits_;
  Growing<uint32_t> ranks_;
  Remainder bucket_{1};

  // Of the text that is read: its words, their hashes, and the rows to be added up, as places in the input matrix.
  Growing<Word> text_words_;
  Growing<uint32_t> hashes_;
  Growing<size_t> offsets_;
  size_t count_ = 0;

  // Sums of words with character n-grams, remembered: one direct-mapped table, keyed by two hashes.
  struct Remembered {
    uint32_t hash, second;
    int32_t rows;
  };
  Growing<Remembered> remembered_;
  Growing<float> sums_;
  Growing<double> word_sum_;
  // The word between < and >.
  Growing<uint8_t> padded_;
};

}  // namespace corpusmill::fasttext
