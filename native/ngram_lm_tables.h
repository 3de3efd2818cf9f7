// Hash tables of n-grams: filling them, and scoring sentences. Twins, with what an entry is and how hashes are made:
// src/quality/ngram-lm/tables.ts and score.ts.
// Idea: hashes depend on words alone, so those of the words ahead are made and their entries asked for while the words at
// hand are scored: the waits for memory overlap. Tables may lie in shared memory; no value read from them is trusted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ngram_lm_count.h"

namespace corpusmill::ngram_lm {

// The n-grams of one order.
struct Table {
  uint32_t* entries = nullptr;
  size_t slots = 0;
  // 32-bit words of an entry: 2 on the highest order, else 3.
  size_t width = 0;
};

struct Tables {
  size_t order = 0;
  uint32_t seed = 0;
  bool is_closed = true;
  const float* unigrams = nullptr;
  size_t word_count = 0;
  // Entry k: order k + 2.
  Table tables[kMostOrder - 1];
};

// Puts in `count` n-grams of `order` words (ids[order * i] first); values[2 i] is log10 of the probability, the next of the
// back-off weight. Returns how many were put in before one that could not be told from another. `suffixes`, if it has slots, is
// the table of the next lower order: *is_closed becomes false when the suffix of an n-gram is not in it.
size_t insert_ngrams(const Table& table, const Table& suffixes, uint32_t seed, size_t order, const uint32_t* ids,
                     const float* values, size_t count, bool* is_closed);

constexpr size_t kSentenceScores = 3;

// Scores sentences: writes kSentenceScores numbers for each, as many as `capacity` has room for, and returns their number.
size_t score_sentences(const Tables& tables, const uint32_t* ids, size_t length, double* scores, size_t capacity);

}  // namespace corpusmill::ngram_lm
