#include "ngram_lm_estimate.h"

#include <bit>
#include <cmath>

#include "prefetch.h"

namespace corpusmill::ngram_lm {

namespace {

// n-grams ahead of the one at hand whose entries elsewhere are asked for.
constexpr size_t kAhead = 24;
constexpr double kUnits = 1e7;
constexpr int32_t kLeast = INT32_MIN;
constexpr double kSqrt2 = 1.4142135623730951;
constexpr double kLog10Of2 = 0.30102999566398120;
constexpr double kTwiceLog10OfE = 0.86858896380650366;

}  // namespace

int32_t quantize_log10(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  int32_t exponent = static_cast<int32_t>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > kSqrt2) {
    mantissa *= 0.5;
    exponent++;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  const double z = s * s;
  double sum = 1.0 / 17;
  for (int odd = 15; odd > 0; odd -= 2) sum = sum * z + 1.0 / odd;
  const double units = std::floor((exponent * kLog10Of2 + kTwiceLog10OfE * s * sum) * kUnits + 0.5);
  // Only what is no positive number at all gets below: no probability is so small.
  return units > kLeast ? static_cast<int32_t>(units) : kLeast;
}

void link_contexts(const uint32_t* shorter_first_child, const uint32_t* suffix_contexts, const uint32_t* suffix_words,
                   size_t suffix_count, const uint32_t* first_child, const uint32_t* words, uint32_t* contexts) {
  for (size_t suffix = 0; suffix < suffix_count; suffix++) {
    if (suffix + 2 * kAhead < suffix_count) {
      prefetch(shorter_first_child + suffix_contexts[suffix + 2 * kAhead]);
      prefetch(suffix_words + shorter_first_child[suffix_contexts[suffix + kAhead]]);
    }
    const uint32_t end = first_child[suffix + 1];
    size_t low = shorter_first_child[suffix_contexts[suffix]];
    const size_t stop = shorter_first_child[suffix_contexts[suffix] + 1];
    for (size_t i = first_child[suffix]; i < end; i++) {
      const uint32_t word = words[i];
      size_t high = stop;
      for (size_t step = 1; low + step < stop; step *= 2) {
        if (suffix_words[low + step] > word) {
          high = low + step;
          break;
        }
        low += step;
      }
      while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (suffix_words[middle] > word) {
          high = middle;
        } else {
          low = middle;
        }
      }
      contexts[i] = static_cast<uint32_t>(low);
    }
  }
}

void sum_contexts(const uint32_t* counts, const uint32_t* contexts, const uint8_t* kept, size_t count,
                  const Discounts& discounts, double* sums, size_t context_count) {
  for (size_t i = 0; i < count; i++) {
    if (i + kAhead < count) prefetch(sums + 2 * size_t{contexts[i + kAhead]});
    double* const sum = sums + 2 * size_t{contexts[i]};
    sum[0] += counts[i];
    sum[1] += kept == nullptr || kept[i] != 0 ? discounts(counts[i]) : counts[i];
  }
  for (size_t i = 0; i < context_count; i++) {
    if (sums[2 * i] > 0) sums[2 * i + 1] /= sums[2 * i];
  }
}

void interpolate(const uint32_t* first_child, const double* shorter, size_t suffix_count, const uint32_t* counts,
                 const uint32_t* contexts, const Discounts& discounts, const double* sums, double* probabilities) {
  const size_t count = first_child[suffix_count];
  for (size_t suffix = 0; suffix < suffix_count; suffix++) {
    const uint32_t end = first_child[suffix + 1];
    for (size_t i = first_child[suffix]; i < end; i++) {
      if (i + kAhead < count) prefetch(sums + 2 * size_t{contexts[i + kAhead]});
      const double* const sum = sums + 2 * size_t{contexts[i]};
      const double own = (counts[i] - discounts(counts[i])) / sum[0];
      probabilities[i] = own + sum[1] * shorter[suffix];
    }
  }
}

}  // namespace corpusmill::ngram_lm
