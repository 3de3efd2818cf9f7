#include "bpe_pairs.h"

#include <algorithm>

namespace corpusmill::bpe {

namespace {

constexpr size_t kBlockWords = 1 << 16;
// Buckets of sums under a hash: the low bits choose one. 2 MiB at most; fewer where there are few words.
constexpr int kMostBucketBits = 18;
constexpr int kFewestBucketBits = 10;
// With fewer symbols in all words there is no bar: all pairs fit.
constexpr size_t kFewSymbols = 1 << 15;

// A pair while one thread counts it.
struct Candidate {
  uint64_t key;
  int64_t count;
  uint32_t word_count, last_word;
  uint32_t* list;  // where this thread's next word goes; null: below the bar
};
constexpr uint64_t kNoKey = ~uint64_t{0};
constexpr Candidate kEmpty{kNoKey, 0, 0, kNoPair, nullptr};

// The pairs that one thread has counted: open addressing.
class Candidates {
 public:
  Candidate* find(uint64_t key) {
    Candidate* const candidate = slot_of(key);
    return candidate->key == key ? candidate : nullptr;
  }
  Candidate& at(uint64_t key) {
    Candidate* candidate = slot_of(key);
    if (candidate->key == key) return *candidate;
    if (++size_ * 2 > slots_.size()) {
      grow();
      candidate = slot_of(key);
    }
    candidate->key = key;
    return *candidate;
  }
  template <typename Task>
  void each(Task task) {
    for (Candidate& candidate : slots_) {
      if (candidate.key != kNoKey) task(candidate);
    }
  }

 private:
  Candidate* slot_of(uint64_t key) {
    const size_t mask = slots_.size() - 1;
    // The low bits choose the bucket, and not all buckets lead here.
    size_t slot = hash_of(key) >> kMostBucketBits & mask;
    while (slots_[slot].key != key && slots_[slot].key != kNoKey) slot = (slot + 1) & mask;
    return &slots_[slot];
  }
  void grow() {
    std::vector<Candidate> old(slots_.size() * 2, kEmpty);
    old.swap(slots_);
    for (const Candidate& candidate : old) {
      if (candidate.key != kNoKey) *slot_of(candidate.key) = candidate;
    }
  }

  std::vector<Candidate> slots_ = std::vector<Candidate>(1 << 12, kEmpty);
  size_t size_ = 0;
};

// A set of buckets.
class Buckets {
 public:
  explicit Buckets(size_t count) : mask_(count - 1), bits_((count + 63) / 64, 0) {}
  void set(uint64_t hash) { bits_[(hash & mask_) >> 6] |= uint64_t{1} << (hash & 63); }
  bool has(uint64_t hash) const { return bits_[(hash & mask_) >> 6] >> (hash & 63) & 1; }

 private:
  const uint64_t mask_;
  std::vector<uint64_t> bits_;
};

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

}  // namespace

void PairIndex::clear() {
  pairs.clear();
  blocks_.clear();
  free_words_ = 0;
  slots_.assign(kFewestSlots, kNoPair);
  mask_ = kFewestSlots - 1;
}

void PairIndex::place(uint32_t pair) {
  size_t slot = hash_of(key_of(pairs[pair].left, pairs[pair].right)) & mask_;
  while (slots_[slot] != kNoPair) slot = (slot + 1) & mask_;
  slots_[slot] = pair;
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
  pairs.push_back({left, right, count, list, word_count});
  if (pairs.size() * 2 > slots_.size()) {
    slots_.assign(slots_.size() * 2, kNoPair);
    mask_ = slots_.size() - 1;
    for (uint32_t pair = 0; pair < pairs.size(); pair++) place(pair);
  } else {
    place(static_cast<uint32_t>(pairs.size() - 1));
  }
  return list;
}

template <typename Symbol>
bool PairIndex::refill(Words<Symbol>& words, ThreadTeam& team, int64_t at_most, int64_t floor, double bar_ratio) {
  clear();
  if (at_most < floor) return false;
  const size_t threads = team.size();
  int bucket_bits = kFewestBucketBits;
  while (bucket_bits < kMostBucketBits && words.unit_count() >> bucket_bits != 0) bucket_bits++;
  const size_t buckets = size_t{1} << bucket_bits;
  struct Sums {
    std::vector<int64_t> counts;
    size_t symbols = 0;
  };
  std::vector<Sums> sums(threads, {std::vector<int64_t>(buckets, 0)});
  words.each_range(team, [&](size_t range, size_t t) {
    words.compact(range);
    int64_t* const counts = sums[t].counts.data();
    size_t symbols = 0;
    words.each_record(range, [&](const auto& word, uint32_t) {
      each_pair(word, [&](uint64_t, uint64_t hash) { counts[hash & (buckets - 1)] += word.count; });
      symbols += word.length;
    });
    sums[t].symbols += symbols;
  });
  Sums& sum = sums[0];
  for (size_t t = 1; t < threads; t++) {
    for (size_t i = 0; i < buckets; i++) sum.counts[i] += sums[t].counts[i];
    sum.symbols += sums[t].symbols;
  }
  at_most = std::min(at_most, *std::max_element(sum.counts.begin(), sum.counts.end()));

  // Where unequal pairs share a bucket the bound is too high, and the first bar may be too.
  for (; at_most >= floor && pairs.empty(); at_most = least_ - 1) {
    least_ = sum.symbols <= kFewSymbols ? floor : std::max(floor, static_cast<int64_t>(static_cast<double>(at_most) / bar_ratio));
    Buckets reach(buckets);
    for (size_t i = 0; i < buckets; i++) {
      if (sum.counts[i] >= least_) reach.set(i);
    }
    std::vector<Candidates> candidates(threads);
    std::vector<std::vector<size_t>> ranges_of(threads);
    words.each_range(team, [&](size_t range, size_t t) {
      ranges_of[t].push_back(range);
      words.each_record(range, [&](const auto& word, uint32_t offset) {
        each_pair(word, [&](uint64_t key, uint64_t hash) {
          if (!reach.has(hash)) return;
          Candidate& candidate = candidates[t].at(key);
          candidate.count += word.count;
          candidate.word_count += candidate.last_word != offset;
          candidate.last_word = offset;
        });
      });
    });

    Buckets hold(buckets);
    for (size_t t = 0; t < threads; t++) {
      candidates[t].each([&](Candidate& candidate) {
        candidate.last_word = kNoPair;
        int64_t count = 0;
        uint32_t word_count = 0;
        for (size_t other = 0; other < threads; other++) {
          const Candidate* const part = other == t ? &candidate : candidates[other].find(candidate.key);
          if (part == nullptr) continue;
          if (other < t) return;  // done with the other's
          count += part->count;
          word_count += part->word_count;
        }
        if (count < least_) return;
        hold.set(hash_of(candidate.key));
        uint32_t* list = add(static_cast<uint32_t>(candidate.key >> 32), static_cast<uint32_t>(candidate.key), count,
                             word_count);
        for (size_t other = t; other < threads; other++) {
          Candidate* const part = other == t ? &candidate : candidates[other].find(candidate.key);
          if (part == nullptr) continue;
          part->list = list;
          list += part->word_count;
        }
      });
    }
    if (pairs.empty()) continue;
    team.run([&](size_t t) {
      for (const size_t range : ranges_of[t]) {
        words.each_record(range, [&](const auto& word, uint32_t offset) {
          each_pair(word, [&](uint64_t key, uint64_t hash) {
            if (!hold.has(hash)) return;
            Candidate* const candidate = candidates[t].find(key);
            if (candidate == nullptr || candidate->list == nullptr || candidate->last_word == offset) return;
            candidate->last_word = offset;
            *candidate->list++ = offset;
          });
        });
      }
    });
  }
  return !pairs.empty();
}

template bool PairIndex::refill(Words<uint16_t>&, ThreadTeam&, int64_t, int64_t, double);
template bool PairIndex::refill(Words<uint32_t>&, ThreadTeam&, int64_t, int64_t, double);

}  // namespace corpusmill::bpe
