// What a merge changes on one side of its occurrences, by neighbouring symbol, as one thread sees it.
#pragma once

#include <cstdint>
#include <vector>

#include "bpe_pairs.h"

namespace corpusmill::bpe {

struct Neighbour {
  uint32_t symbol;
  uint32_t old_pair;      // the neighbour and the old symbol; kNoPair: not in the index, and nothing is summed
  int64_t lost, gained;   // occurrences that left the old pair, and those of the new one
  uint32_t words;         // in which the new pair is, as far as this thread has seen
  uint32_t place;         // in the new pair's list, of the first of them; of the first thread: words of all threads
  uint32_t last_word;
  uint32_t* list;         // where its next word goes; null: the new pair is too rare
};

struct Neighbours {
  // A word of the new pair of neighbour `neighbour`.
  struct Event {
    uint32_t neighbour, word;
  };

  std::vector<Neighbour> seen;
  std::vector<Event> events;

  explicit Neighbours(size_t symbol_count) : stamps_(symbol_count, 0) {}

  // Forgets all neighbours, in the time of one.
  void clear() {
    base_ += static_cast<uint32_t>(seen.size());
    if (base_ > UINT32_MAX / 2) {
      std::fill(stamps_.begin(), stamps_.end(), 0);
      base_ = 1;
    }
    seen.clear();
    events.clear();
  }

  // Place of a symbol in `seen`; new ones get their old pair from `find`.
  template <typename Find>
  uint32_t at(uint32_t symbol, Find find) {
    const uint32_t stamp = stamps_[symbol];
    if (stamp >= base_) return stamp - base_;
    const uint32_t place = static_cast<uint32_t>(seen.size());
    stamps_[symbol] = base_ + place;
    seen.push_back({symbol, find(symbol), 0, 0, 0, 0, kNoWord, nullptr});
    return place;
  }

  void gain(uint32_t place, uint32_t word, int64_t count) {
    Neighbour& neighbour = seen[place];
    neighbour.gained += count;
    if (neighbour.last_word == word) return;
    neighbour.last_word = word;
    neighbour.words++;
    events.push_back({place, word});
  }

 private:
  // base_ + place of the symbols that were seen since the last `clear`; others are below base_.
  std::vector<uint32_t> stamps_;
  uint32_t base_ = 1;
};

}  // namespace corpusmill::bpe
