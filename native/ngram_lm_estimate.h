// The passes of Kneser-Ney estimation over sorted levels of n-grams. Twins, with what everything means and its sources:
// src/quality/ngram-lm/kneser-ney.ts. Sums and products are made in the same order, so results have the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::ngram_lm {

// D1, D2, D3+.
struct Discounts {
  double of[4];

  double operator()(uint32_t count) const { return of[count < 3 ? count : 3]; }
};

// log10 of a positive number in units of 1e-7, as src/quality/ngram-lm/log10.ts computes it.
int32_t quantize_log10(double value);

// Contexts of the n-grams of a level. `first_child` and `words` are of the level of its suffixes, `shorter_first_child` of
// the one below; all are checked: first children ascend and stay within the next level, contexts within theirs.
void link_contexts(const uint32_t* shorter_first_child, const uint32_t* suffix_contexts, const uint32_t* suffix_words,
                   size_t suffix_count, const uint32_t* first_child, const uint32_t* words, uint32_t* contexts);

// Adds up counts by context: sums[2 c] gets a(c ·), sums[2 c + 1] the back-off weight. `kept` may be null.
void sum_contexts(const uint32_t* counts, const uint32_t* contexts, const uint8_t* kept, size_t count,
                  const Discounts& discounts, double* sums, size_t context_count);

// Probabilities of a level, by those of its suffixes.
void interpolate(const uint32_t* first_child, const double* shorter, size_t suffix_count, const uint32_t* counts,
                 const uint32_t* contexts, const Discounts& discounts, const double* sums, double* probabilities);

}  // namespace corpusmill::ngram_lm
