#include "bpe_pairs.h"

#include <algorithm>

#include "large_pages.h"

namespace corpusmill::bpe {

namespace {

constexpr size_t kBlockWords = 1 << 16;
// Buckets of bounds: as many as pairs could reach the bar, so that of those that do not few share a bucket with so many
// others that together they do; not fewer than 2^18, which a cache holds, but where there are few words. At most 8 MiB.
constexpr int kFewestBucketBits = 10;
constexpr int kUsualBucketBits = 18;
constexpr int kMostBucketBits = 21;
// Bounds are kept to about this many units.
constexpr int64_t kMostUnits = 1 << 24;
// With fewer symbols in all words there is no bar: all pairs fit.
constexpr size_t kFewSymbols = 1 << 15;

// Calls task(key, hash) for every two neighbours.
template <typename Record, typename Task>
void each_pair(const Record& word, Task task) {
  const auto* const symbols = word.symbols();
  uint32_t left = symbols[0];
  for (uint32_t i = 1; i < word.length; i++) {
    const uint32_t right = symbols[i];
    const uint64_t key = key_of(left, right);
    task(key, hash_of(key));
    left = right;
  }
}

// The ranges of words that each thread has taken, so that it takes them again.
using Shares = std::vector<std::vector<size_t>>;

int bucket_bits_for(size_t units, const Wanted& wanted) {
  const double bar = static_cast<double>(std::min(wanted.at_most, wanted.occurrences)) / wanted.bar_ratio;
  const double could_reach = static_cast<double>(wanted.occurrences) / bar;
  int most = kUsualBucketBits;
  while (most < kMostBucketBits && static_cast<double>(size_t{1} << most) < could_reach) most++;
  int bits = kFewestBucketBits;
  while (bits < most && units >> bits != 0) bits++;
  return bits;
}

}  // namespace

void PairIndex::clear() {
  pairs.clear();
  blocks_.clear();
  free_words_ = 0;
  slots_.assign(kFewestSlots, kFree);
  mask_ = kFewestSlots - 1;
}

void PairIndex::place(uint32_t pair) {
  const uint32_t left = pairs[pair].left, right = pairs[pair].right;
  size_t at = hash_of(key_of(left, right)) & mask_;
  while (slots_[at].pair != kNoPair) at = (at + 1) & mask_;
  slots_[at] = {left, right, pair};
}

void PairIndex::append(const Pair& pair) {
  pairs.push_back(pair);
  if (pairs.size() * 2 <= slots_.size()) {
    place(static_cast<uint32_t>(pairs.size() - 1));
    return;
  }
  slots_.assign(slots_.size() * 2, kFree);
  mask_ = slots_.size() - 1;
  for (uint32_t i = 0; i < pairs.size(); i++) place(i);
}

uint32_t* PairIndex::take(size_t word_count) {
  if (word_count > kBlockWords / 8) {
    blocks_.emplace_back(new uint32_t[word_count]);
    return blocks_.back().get();
  }
  if (word_count > free_words_) {
    blocks_.emplace_back(new uint32_t[kBlockWords]);
    free_ = blocks_.back().get();
    free_words_ = kBlockWords;
  }
  free_words_ -= word_count;
  return (free_ += word_count) - word_count;
}

uint32_t* PairIndex::add(uint32_t left, uint32_t right, int64_t count, uint32_t word_count) {
  uint32_t* const list = take(word_count);
  append({left, right, count, list, word_count});
  return list;
}

void PairIndex::set_bar(int64_t at_most, const Wanted& wanted, size_t symbols) {
  const auto bar = static_cast<int64_t>(static_cast<double>(at_most) / wanted.bar_ratio);
  least_ = symbols <= kFewSymbols ? wanted.floor : std::max(wanted.floor, bar);
}

// Takes in the pairs that all threads together have counted `least_` times. In a pair's list the words of the first thread
// are the first.
template <typename Counts>
PairIndex::Cursors PairIndex::take_frequent(const std::vector<Counts>& parts) {
  size_t list_words = 0;
  for (size_t t = 0; t < parts.size(); t++) {
    parts[t].each([&](uint64_t key, const PairCount& own) {
      PairCount all = own;
      for (size_t other = 0; other < parts.size(); other++) {
        const PairCount* const part = other == t ? nullptr : parts[other].find(key);
        if (part == nullptr) continue;
        if (other < t) return;  // was taken with the other's
        all.count += part->count;
        all.words += part->words;
      }
      if (all.count < least_) return;
      append({left_of(key), right_of(key), all.count, nullptr, all.words});
      list_words += all.words;
    });
  }
  if (list_words > list_room_) {
    lists_.reset();
    lists_.reset(new uint32_t[list_words]);
    list_room_ = list_words;
    ask_for_large_pages(lists_.get(), list_words * sizeof(uint32_t));
  }
  Cursors cursors(parts.size());
  uint32_t* list = lists_.get();
  for (Pair& pair : pairs) {
    pair.words = list;
    for (size_t t = 0; t < parts.size(); t++) {
      cursors[t].push_back({list, kNoWord, 1});
      const PairCount* const part = parts[t].find(key_of(pair.left, pair.right));
      if (part != nullptr) list += part->words;
    }
  }
  return cursors;
}

template <typename Symbol>
bool PairIndex::refill_dense(Words<Symbol>& words, ThreadTeam& team, const Wanted& wanted) {
  const size_t threads = team.size();
  std::vector<DensePairCounts> parts(threads);
  Shares shares(threads);
  words.each_range(team, [&](size_t range, size_t t) {
    shares[t].push_back(range);
    words.compact(range);
    DensePairCounts& counts = parts[t];
    words.each_record(range, [&](const auto& word, uint32_t offset) {
      each_pair(word, [&](uint64_t key, uint64_t) { counts.at(key).add(word.count, offset); });
    });
  });
  int64_t most = 0;
  for (const DensePairCounts& part : parts) {
    part.each([&](uint64_t key, const PairCount&) {
      int64_t count = 0;
      for (DensePairCounts& other : parts) count += other.at(key).count;
      most = std::max(most, count);
    });
  }
  if (most < wanted.floor) return false;
  set_bar(most, wanted, words.symbol_count());
  Cursors cursors = take_frequent(parts);
  const auto nowhere = static_cast<uint32_t>(pairs.size());
  std::vector<uint32_t> places(DensePairCounts::kPairs, nowhere);
  for (uint32_t i = 0; i < nowhere; i++) places[DensePairCounts::place_of(pairs[i].left, pairs[i].right)] = i;
  team.run([&](size_t t) {
    uint32_t unread = 0;
    cursors[t].push_back({&unread + 1, kNoWord, 0});
    Cursor* const cursor_of = cursors[t].data();
    for (const size_t range : shares[t]) {
      words.each_record(range, [&](const auto& word, uint32_t offset) {
        each_pair(word, [&](uint64_t key, uint64_t) {
          Cursor& cursor = cursor_of[places[DensePairCounts::place_of(left_of(key), right_of(key))]];
          // Without a branch, which nobody could foresee: a word that is the last one there is written to its place again.
          const uint32_t is_next = static_cast<uint32_t>(cursor.last_word != offset) & cursor.step;
          uint32_t* const place = cursor.next + is_next - 1;
          *place = offset;
          cursor.next = place + 1;
          cursor.last_word = offset;
        });
      });
    }
  });
  return true;
}

template <typename Symbol>
bool PairIndex::refill_sparse(Words<Symbol>& words, ThreadTeam& team, const Wanted& wanted) {
  const size_t threads = team.size();
  const size_t buckets = size_t{1} << bucket_bits_for(words.unit_count(), wanted);
  int unit_bits = 0;
  while (std::min(wanted.at_most, wanted.occurrences) >> unit_bits > kMostUnits) unit_bits++;
  std::vector<PairBounds> bounds;
  for (size_t t = 0; t < threads; t++) bounds.emplace_back(buckets, unit_bits);
  words.each_range(team, [&](size_t range, size_t t) {
    words.compact(range);
    PairBounds& sums = bounds[t];
    words.each_record(range, [&](const auto& word, uint32_t) {
      const uint32_t units = sums.units_of(word.count);
      each_pair(word, [&](uint64_t, uint64_t hash) { sums.add(hash, units); });
    });
  });
  for (size_t t = 1; t < threads; t++) bounds[0].add(bounds[t]);

  // Where unequal pairs share a bucket the bound is too high, and the first bar may be too.
  int64_t at_most = bounds[0].most(wanted.at_most);
  for (; at_most >= wanted.floor && pairs.empty(); at_most = least_ - 1) {
    set_bar(at_most, wanted, words.symbol_count());
    Buckets reach(buckets);
    bounds[0].each_with(least_, [&](size_t bucket) { reach.set(bucket); });
    std::vector<SparsePairCounts> parts(threads);
    Shares shares(threads);
    words.each_range(team, [&](size_t range, size_t t) {
      shares[t].push_back(range);
      SparsePairCounts& counts = parts[t];
      words.each_record(range, [&](const auto& word, uint32_t offset) {
        each_pair(word, [&](uint64_t key, uint64_t hash) {
          if (reach.has(hash)) counts.at(key).add(word.count, offset);
        });
      });
    });
    Cursors cursors = take_frequent(parts);
    if (pairs.empty()) continue;
    Buckets hold(buckets);
    for (const Pair& pair : pairs) hold.set(hash_of(key_of(pair.left, pair.right)));
    team.run([&](size_t t) {
      Cursor* const cursor_of = cursors[t].data();
      for (const size_t range : shares[t]) {
        words.each_record(range, [&](const auto& word, uint32_t offset) {
          each_pair(word, [&](uint64_t key, uint64_t hash) {
            if (!hold.has(hash)) return;
            const uint32_t pair = find(left_of(key), right_of(key));
            if (pair == kNoPair || cursor_of[pair].last_word == offset) return;
            cursor_of[pair].last_word = offset;
            *cursor_of[pair].next++ = offset;
          });
        });
      }
    });
  }
  return !pairs.empty();
}

template <typename Symbol>
bool PairIndex::refill(Words<Symbol>& words, ThreadTeam& team, const Wanted& wanted) {
  clear();
  if (wanted.at_most < wanted.floor) return false;
  return wanted.symbols <= DensePairCounts::kSymbols ? refill_dense(words, team, wanted)
                                                     : refill_sparse(words, team, wanted);
}

template bool PairIndex::refill(Words<uint16_t>&, ThreadTeam&, const Wanted&);
template bool PairIndex::refill(Words<uint32_t>&, ThreadTeam&, const Wanted&);

}  // namespace corpusmill::bpe
