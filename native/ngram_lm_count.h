// Counts the n-grams of a corpus. Twin, with what the levels are: src/quality/ngram-lm/counts.ts.
// Idea: for one group of last words after another, the windows of words that end in them are copied together, sorted where they
// lie in the cache, and read once. The corpus is read in order only, once for each group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace corpusmill::ngram_lm {

constexpr size_t kMostOrder = 6;

// Numbers that grow piece by piece, so that they are never in memory twice.
class Pieces {
 public:
  static constexpr size_t kPiece = size_t{1} << 18;

  void push(uint32_t value) {
    if (size_ % kPiece == 0) pieces_.emplace_back(new uint32_t[kPiece]);
    pieces_.back()[size_ % kPiece] = value;
    size_++;
  }
  size_t size() const { return size_; }
  // Copies all to `out` and gives the memory back.
  void move_to(uint32_t* out);

 private:
  std::vector<std::unique_ptr<uint32_t[]>> pieces_;
  size_t size_ = 0;
};

struct Level {
  Pieces words, counts, first_child;
};

// Levels of order 1 to `order` (at most kMostOrder) of sentences in ids[order - 1, length); all ids are below `word_count`.
// False: there are more than `most` n-grams.
bool count_ngrams(const uint32_t* ids, size_t length, size_t word_count, size_t order, double most, Level* levels);

}  // namespace corpusmill::ngram_lm
