// The pairs that can merge next: those that occur at least `least` times. For each its count and the words it is in.
//
// Nearly all pairs of a corpus are rare and never merge. So the index holds the frequent alone and stays small; when the
// last of them has merged, `refill` finds the next from the words as they are then, with a lower bar. That is exact:
// a pair that contains no new symbol can only become rarer, and one that does is counted when its symbol is made.
//
// `refill` reads the words three times: (1) sums of counts under a hash of the pair, an upper bound for each pair;
// (2) exact counts of the pairs whose bound reaches the bar; (3) their lists of words. All of it by ranges of words, on
// all threads; what comes out does not depend on which thread did what, but for the order of pairs and lists, which
// nothing else depends on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bpe_words.h"
#include "thread_team.h"

namespace corpusmill::bpe {

constexpr uint32_t kNoPair = 0xffffffff;

struct Pair {
  uint32_t left, right;
  int64_t count;
  const uint32_t* words;  // offsets of records; each word once
  uint32_t word_count;
};

inline uint64_t key_of(uint32_t left, uint32_t right) { return static_cast<uint64_t>(left) << 32 | right; }
inline uint64_t hash_of(uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  return key ^ key >> 32;
}

class PairIndex {
 public:
  std::vector<Pair> pairs;

  // Place in `pairs`, or kNoPair.
  uint32_t find(uint32_t left, uint32_t right) const {
    for (size_t slot = hash_of(key_of(left, right)) & mask_;; slot = (slot + 1) & mask_) {
      const uint32_t pair = slots_[slot];
      if (pair == kNoPair || (pairs[pair].left == left && pairs[pair].right == right)) return pair;
    }
  }

  // Adds a pair that is not there; the caller writes its `word_count` words to where this says.
  uint32_t* add(uint32_t left, uint32_t right, int64_t count, uint32_t word_count);

  // Empties the index and fills it anew from the words, with the most frequent pairs; none occurs more than `at_most` times.
  // The bar is the count of the most frequent one by `bar_ratio`: lower makes more refills, higher a larger index. False:
  // none occurs `floor` times.
  template <typename Symbol>
  bool refill(Words<Symbol>& words, ThreadTeam& team, int64_t at_most, int64_t floor, double bar_ratio);

  // The bar that the last refill chose: pairs that occur less often are not here.
  int64_t least() const { return least_; }

 private:
  void clear();
  void place(uint32_t pair);
  uint32_t* take(size_t word_count);

  static constexpr size_t kFewestSlots = 1 << 10;

  int64_t least_ = 0;
  std::vector<uint32_t> slots_ = std::vector<uint32_t>(kFewestSlots, kNoPair);
  size_t mask_ = kFewestSlots - 1;
  // Memory of the lists, given back as a whole by the next refill.
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* free_ = nullptr;
  size_t free_words_ = 0;
};

}  // namespace corpusmill::bpe
