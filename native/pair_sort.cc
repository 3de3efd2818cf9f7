#include "pair_sort.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

namespace corpusmill {

namespace {

constexpr size_t kDigits = 256;
// Few enough to be sorted one by one, and enough to fill a scratch.
constexpr size_t kFew = 24, kScratch = size_t{1} << 15;

void insertion_sort(uint64_t* pairs, size_t count) {
  for (size_t i = 1; i < count; i++) {
    const uint64_t pair = pairs[i];
    size_t at = i;
    for (; at > 0 && pairs[at - 1] > pair; at--) pairs[at] = pairs[at - 1];
    pairs[at] = pair;
  }
}

// The bits in which not all are the same.
uint64_t differing_bits(const uint64_t* pairs, size_t count) {
  uint64_t bits = 0;
  for (size_t i = 1; i < count; i++) bits |= pairs[i] ^ pairs[0];
  return bits;
}

// From the lowest byte of `bits` on; `count` is at most kScratch.
void sort_by_bytes(uint64_t* pairs, size_t count, uint64_t bits, uint64_t* scratch) {
  uint64_t* from = pairs;
  uint64_t* to = scratch;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    if ((bits >> shift & 0xff) == 0) continue;
    uint32_t next[kDigits] = {};
    for (size_t i = 0; i < count; i++) next[from[i] >> shift & 0xff]++;
    uint32_t at = 0;
    for (uint32_t& place : next) at += std::exchange(place, at);
    for (size_t i = 0; i < count; i++) to[next[from[i] >> shift & 0xff]++] = from[i];
    std::swap(from, to);
  }
  if (from != pairs) std::memcpy(pairs, from, 8 * count);
}

void sort(uint64_t* pairs, size_t count, uint64_t* scratch) {
  if (count <= kFew) return insertion_sort(pairs, count);
  const uint64_t bits = differing_bits(pairs, count);
  if (bits == 0) return;
  if (count <= kScratch) return sort_by_bytes(pairs, count, bits, scratch);
  // The eight highest bits that differ: each pair goes to where its digit's pairs lie, and what lay there goes on.
  const int low = std::max(0, 56 - std::countl_zero(bits));
  const auto digit = [low](uint64_t pair) { return static_cast<size_t>(pair >> low & (kDigits - 1)); };
  size_t next[kDigits] = {}, ends[kDigits];
  for (size_t i = 0; i < count; i++) next[digit(pairs[i])]++;
  size_t at = 0;
  for (size_t d = 0; d < kDigits; d++) {
    const size_t size = next[d];
    next[d] = at;
    ends[d] = at += size;
  }
  for (size_t d = 0; d < kDigits; d++) {
    while (next[d] < ends[d]) {
      uint64_t pair = pairs[next[d]];
      for (size_t own = digit(pair); own != d; own = digit(pair)) std::swap(pair, pairs[next[own]++]);
      pairs[next[d]++] = pair;
    }
  }
  for (size_t d = 0, start = 0; d < kDigits; start = ends[d++]) sort(pairs + start, ends[d] - start, scratch);
}

}  // namespace

size_t sort_distinct(uint64_t* pairs, size_t count) {
  if (count < 2) return count;
  const auto scratch = count <= kFew ? nullptr : std::make_unique_for_overwrite<uint64_t[]>(std::min(count, kScratch));
  sort(pairs, count, scratch.get());
  return static_cast<size_t>(std::unique(pairs, pairs + count) - pairs);
}

}  // namespace corpusmill
