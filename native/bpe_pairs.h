// The pairs that can merge next: those that occur at least `least` times. For each its count and the words it is in.
//
// Nearly all pairs of a corpus are rare and never merge. So the index holds the frequent alone and stays small; when the
// last of them has merged, `refill` finds the next from the words as they are then, with a lower bar. That is exact:
// a pair that contains no new symbol can only become rarer, and one that does is counted when its symbol is made.
//
// `refill` reads the words three times: (1) sums of counts under a hash of the pair, an upper bound for each pair;
// (2) exact counts of the pairs whose bound reaches the bar; (3) their lists of words. While all symbols are bytes, all
// pairs are counted at once, in place of (1) and (2). All of it by ranges of words, on all threads; what comes out does
// not depend on which thread did what, but for the order of pairs and lists, which nothing else depends on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bpe_pair_counts.h"
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

// What `refill` is to look for.
struct Wanted {
  int64_t at_most;      // no pair occurs more often
  int64_t floor;        // rarer ones are of no use
  double bar_ratio;     // the bar is the count of the most frequent one by this: lower makes more refills, higher a larger index
  uint32_t symbols;     // all are below
  int64_t occurrences;  // of symbols, in all words, about: how many pairs there are to tell apart
};

class PairIndex {
 public:
  std::vector<Pair> pairs;

  // Place in `pairs`, or kNoPair.
  uint32_t find(uint32_t left, uint32_t right) const {
    for (size_t at = hash_of(key_of(left, right)) & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.pair == kNoPair || (slot.left == left && slot.right == right)) return slot.pair;
    }
  }

  // Adds a pair that is not there; the caller writes its `word_count` words to where this says.
  uint32_t* add(uint32_t left, uint32_t right, int64_t count, uint32_t word_count);

  // Empties the index and fills it anew from the words, with the most frequent pairs. False: none occurs `floor` times.
  template <typename Symbol>
  bool refill(Words<Symbol>& words, ThreadTeam& team, const Wanted& wanted);

  // The bar that the last refill chose: pairs that occur less often are not here.
  int64_t least() const { return least_; }

 private:
  struct Slot {
    uint32_t left, right, pair;
  };
  // Where a thread writes the next word of a pair's list.
  struct Cursor {
    uint32_t* next;
    uint32_t last_word;
    uint32_t step;  // 0: nowhere
  };
  // Of each thread, by place in `pairs`.
  using Cursors = std::vector<std::vector<Cursor>>;

  template <typename Symbol>
  bool refill_dense(Words<Symbol>& words, ThreadTeam& team, const Wanted& wanted);
  template <typename Symbol>
  bool refill_sparse(Words<Symbol>& words, ThreadTeam& team, const Wanted& wanted);
  void set_bar(int64_t at_most, const Wanted& wanted, size_t symbols);
  template <typename Counts>
  Cursors take_frequent(const std::vector<Counts>& parts);
  void clear();
  void append(const Pair& pair);
  void place(uint32_t pair);
  uint32_t* take(size_t word_count);

  static constexpr size_t kFewestSlots = 1 << 10;
  static constexpr Slot kFree{0, 0, kNoPair};

  int64_t least_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(kFewestSlots, kFree);
  size_t mask_ = kFewestSlots - 1;
  // Memory of the lists that a refill writes, used again by the next, and of those that are added one by one, given back
  // as a whole by the next refill.
  std::unique_ptr<uint32_t[]> lists_;
  size_t list_room_ = 0;
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* free_ = nullptr;
  size_t free_words_ = 0;
};

}  // namespace corpusmill::bpe
