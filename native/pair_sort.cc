#include "pair_sort.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace corpusmill {
namespace {

constexpr int kDigitBits = 8;
constexpr size_t kBuckets = 1 << kDigitBits;
// Fewer are sorted by comparing.
constexpr size_t kWorthBuckets = 512;

// Into buckets by the digit from bit `shift` on, in place (McIlroy, Bostic and McIlroy 1993, "Engineering radix sort",
// American flag sort), and each of them by the digits below.
void sort_from(uint64_t* pairs, size_t count, int shift) {
  if (count < kWorthBuckets || shift < 0) {
    std::sort(pairs, pairs + count);
    return;
  }
  size_t ends[kBuckets] = {};
  for (size_t i = 0; i < count; i++) ends[(pairs[i] >> shift) & (kBuckets - 1)]++;
  // The upper digits of ordinals are zeros.
  if (ends[(pairs[0] >> shift) & (kBuckets - 1)] == count) return sort_from(pairs, count, shift - kDigitBits);
  size_t next[kBuckets];
  size_t begin = 0;
  for (size_t bucket = 0; bucket < kBuckets; bucket++) {
    next[bucket] = begin;
    begin += ends[bucket];
    ends[bucket] = begin;
  }
  for (size_t bucket = 0; bucket < kBuckets; bucket++) {
    while (next[bucket] < ends[bucket]) {
      uint64_t pair = pairs[next[bucket]];
      for (size_t home; (home = (pair >> shift) & (kBuckets - 1)) != bucket;) std::swap(pair, pairs[next[home]++]);
      pairs[next[bucket]++] = pair;
    }
  }
  if (shift == 0) return;
  begin = 0;
  for (size_t bucket = 0; bucket < kBuckets; bucket++) {
    if (ends[bucket] - begin > 1) sort_from(pairs + begin, ends[bucket] - begin, shift - kDigitBits);
    begin = ends[bucket];
  }
}

}  // namespace

size_t sort_pairs(uint64_t* pairs, size_t count) {
  if (count < 2) return count;
  // The highest bit in which any two differ; in order already is common, and costs the same look.
  uint64_t differing = 0;
  bool is_sorted = true;
  for (size_t i = 1; i < count; i++) {
    differing |= pairs[i] ^ pairs[0];
    is_sorted &= pairs[i - 1] <= pairs[i];
  }
  if (!is_sorted) sort_from(pairs, count, std::max(0, static_cast<int>(std::bit_width(differing)) - kDigitBits));
  return static_cast<size_t>(std::unique(pairs, pairs + count) - pairs);
}

}  // namespace corpusmill
