// What one thread knows of pairs while it counts them: see PairIndex::refill.
#pragma once

#include <cstdint>
#include <vector>

namespace corpusmill::bpe {

inline uint64_t key_of(uint32_t left, uint32_t right) { return static_cast<uint64_t>(left) << 32 | right; }
inline uint32_t left_of(uint64_t key) { return static_cast<uint32_t>(key >> 32); }
inline uint32_t right_of(uint64_t key) { return static_cast<uint32_t>(key); }
inline uint64_t hash_of(uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  return key ^ key >> 32;
}

constexpr uint32_t kNoWord = 0xffffffff;

// How often a pair occurs, and in how many words.
struct PairCount {
  int64_t count;
  uint32_t words, last_word;

  void add(int64_t times, uint32_t word) {
    count += times;
    words += last_word != word;
    last_word = word;
  }
};
constexpr PairCount kNever{0, 0, kNoWord};

// The counts of all pairs of the first symbols: an array.
class DensePairCounts {
 public:
  static constexpr uint32_t kSymbols = 256;
  static constexpr size_t kPairs = kSymbols * kSymbols;
  static size_t place_of(uint32_t left, uint32_t right) { return left * kSymbols + right; }

  PairCount& at(uint64_t key) { return counts_[place_of(left_of(key), right_of(key))]; }
  const PairCount* find(uint64_t key) const {
    const PairCount* const found = &counts_[place_of(left_of(key), right_of(key))];
    return found->words > 0 ? found : nullptr;
  }
  template <typename Task>
  void each(Task task) const {
    for (uint32_t left = 0; left < kSymbols; left++) {
      for (uint32_t right = 0; right < kSymbols; right++) {
        const PairCount& found = counts_[place_of(left, right)];
        if (found.words > 0) task(key_of(left, right), found);
      }
    }
  }

 private:
  std::vector<PairCount> counts_ = std::vector<PairCount>(kPairs, kNever);
};

// The counts of those pairs that were asked for: open addressing.
class SparsePairCounts {
 public:
  PairCount& at(uint64_t key) {
    size_t slot = slot_of(key);
    if (keys_[slot] == key) return counts_[slot];
    if (++size_ * 2 > keys_.size()) {
      grow();
      slot = slot_of(key);
    }
    keys_[slot] = key;
    return counts_[slot];
  }
  const PairCount* find(uint64_t key) const {
    const size_t slot = slot_of(key);
    return keys_[slot] == key ? &counts_[slot] : nullptr;
  }
  template <typename Task>
  void each(Task task) const {
    for (size_t slot = 0; slot < keys_.size(); slot++) {
      if (keys_[slot] != kNoKey) task(keys_[slot], counts_[slot]);
    }
  }

 private:
  static constexpr uint64_t kNoKey = ~uint64_t{0};
  static constexpr size_t kFewestSlots = 1 << 12;

  size_t slot_of(uint64_t key) const {
    const size_t mask = keys_.size() - 1;
    // The low bits choose a bucket (below), and not all buckets lead here.
    size_t slot = hash_of(key) >> 32 & mask;
    while (keys_[slot] != key && keys_[slot] != kNoKey) slot = (slot + 1) & mask;
    return slot;
  }
  void grow() {
    std::vector<uint64_t> keys(keys_.size() * 2, kNoKey);
    std::vector<PairCount> counts(counts_.size() * 2, kNever);
    keys.swap(keys_);
    counts.swap(counts_);
    for (size_t i = 0; i < keys.size(); i++) {
      if (keys[i] == kNoKey) continue;
      const size_t slot = slot_of(keys[i]);
      keys_[slot] = keys[i];
      counts_[slot] = counts[i];
    }
  }

  std::vector<uint64_t> keys_ = std::vector<uint64_t>(kFewestSlots, kNoKey);
  std::vector<PairCount> counts_ = std::vector<PairCount>(kFewestSlots, kNever);
  size_t size_ = 0;
};

// Sums of counts by a hash of the pair, so none is below the count of any of its pairs. In units of 2^unit_bits occurrences,
// rounded up; a sum that passes 32 bits stays at kMany.
class PairBounds {
 public:
  static constexpr uint32_t kMany = UINT32_MAX;

  // `buckets`: a power of two.
  PairBounds(size_t buckets, int unit_bits) : unit_bits_(unit_bits), sums_(buckets, 0) {}

  uint32_t units_of(int64_t count) const {
    const int64_t units = (count + (int64_t{1} << unit_bits_) - 1) >> unit_bits_;
    return units > kMany ? kMany : static_cast<uint32_t>(units);
  }
  void add(uint64_t hash, uint32_t units) {
    uint32_t& sum = sums_[hash & (sums_.size() - 1)];
    const uint32_t more = sum + units;
    sum = more < units ? kMany : more;
  }
  void add(const PairBounds& other) {
    for (size_t bucket = 0; bucket < sums_.size(); bucket++) add(bucket, other.sums_[bucket]);
  }
  // No pair occurs more often; `most` where that is not known better.
  int64_t most(int64_t most) const {
    uint32_t top = 0;
    for (const uint32_t sum : sums_) top = sum > top ? sum : top;
    if (top == kMany || top > most >> unit_bits_) return most;
    return static_cast<int64_t>(top) << unit_bits_;
  }
  // Calls task(bucket) for those in which a pair may occur `count` times.
  template <typename Task>
  void each_with(int64_t count, Task task) const {
    const uint32_t units = units_of(count);
    for (size_t bucket = 0; bucket < sums_.size(); bucket++) {
      if (sums_[bucket] >= units) task(bucket);
    }
  }

 private:
  const int unit_bits_;
  std::vector<uint32_t> sums_;
};

// A set of buckets, as many as a power of two.
class Buckets {
 public:
  explicit Buckets(size_t count) : mask_(count - 1), bits_((count + 63) / 64, 0) {}
  void set(uint64_t hash) { bits_[(hash & mask_) >> 6] |= uint64_t{1} << (hash & 63); }
  bool has(uint64_t hash) const { return bits_[(hash & mask_) >> 6] >> (hash & 63) & 1; }

 private:
  const uint64_t mask_;
  std::vector<uint64_t> bits_;
};

}  // namespace corpusmill::bpe
