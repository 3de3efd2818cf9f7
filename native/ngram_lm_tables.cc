#include "ngram_lm_tables.h"

#include <algorithm>
#include <bit>

#include "mix.h"
#include "ngram_lm_words.h"
#include "prefetch.h"

namespace corpusmill::ngram_lm {

namespace {

constexpr uint32_t kFree = 0;
// n-grams or words that are hashed before the first of them is looked for.
constexpr size_t kBlock = 32;

struct Hash {
  uint32_t place, mark;

  void extend(uint32_t word) {
    place = (place ^ word * 0xcc9e2d51) * 0x9e3779b1;
    place ^= place >> 15;
    mark = (mark ^ word * 0x1b873593) * 0x85ebca6b;
    mark ^= mark >> 13;
  }
};

// Where an n-gram is looked for first, and by what it is known there.
struct Key {
  size_t slot;
  uint32_t print;

  Key() = default;
  Key(const Hash& hash, size_t slots)
      : slot(static_cast<size_t>(static_cast<double>(mix32(hash.place)) * static_cast<double>(slots) / 4294967296.0)),
        print(hash.mark == kFree ? 1 : hash.mark) {}
};

void prefetch_entry(const Table& table, const Key& key) { prefetch(table.entries + key.slot * table.width); }

// The entry of an n-gram, or the free one where it would be put; null in a full table without it.
uint32_t* entry_of(const Table& table, const Key& key) {
  size_t slot = key.slot;
  for (size_t probes = 0; probes < table.slots; probes++) {
    uint32_t* const entry = table.entries + slot * table.width;
    if (*entry == key.print || *entry == kFree) return entry;
    slot = slot + 1 == table.slots ? 0 : slot + 1;
  }
  return nullptr;
}

// Its entry, or null.
const uint32_t* find(const Table& table, const Key& key) {
  const uint32_t* const entry = entry_of(table, key);
  return entry == nullptr || *entry != key.print ? nullptr : entry;
}

}  // namespace

size_t insert_ngrams(const Table& table, const Table& suffixes, uint32_t seed, size_t order, const uint32_t* ids,
                     const float* values, size_t count, bool* is_closed) {
  Key keys[kBlock], suffix_keys[kBlock];
  for (size_t first = 0; first < count; first += kBlock) {
    const size_t size = std::min(kBlock, count - first);
    for (size_t i = 0; i < size; i++) {
      const uint32_t* const words = ids + (first + i) * order;
      Hash hash{seed, seed};
      for (size_t word = order; word-- > 1;) hash.extend(words[word]);
      if (suffixes.slots > 0) {
        suffix_keys[i] = Key(hash, suffixes.slots);
        prefetch_entry(suffixes, suffix_keys[i]);
      }
      hash.extend(words[0]);
      keys[i] = Key(hash, table.slots);
      prefetch_entry(table, keys[i]);
    }
    for (size_t i = 0; i < size; i++) {
      if (suffixes.slots > 0 && find(suffixes, suffix_keys[i]) == nullptr) *is_closed = false;
      uint32_t* const entry = entry_of(table, keys[i]);
      if (entry == nullptr || *entry != kFree) return first + i;
      entry[0] = keys[i].print;
      entry[1] = std::bit_cast<uint32_t>(values[2 * (first + i)]);
      if (table.width == 3) entry[2] = std::bit_cast<uint32_t>(values[2 * (first + i) + 1]);
    }
  }
  return count;
}

size_t score_sentences(const Tables& tables, const uint32_t* ids, size_t length, double* scores, size_t capacity) {
  const size_t order = tables.order;
  const size_t top = order - 2;
  Key keys[kBlock][kMostOrder - 1];
  double weights[2][kMostOrder] = {};
  double* before = weights[0];
  double* here = weights[1];
  size_t contexts = 0;
  size_t sentences = 0;
  size_t start = 0, start_ahead = 0;
  double total = 0;
  uint32_t unknown = 0;
  const auto word_at = [&](size_t i) { return ids[i] < tables.word_count ? ids[i] : kUnknown; };
  for (size_t first = 0; first < length; first += kBlock) {
    const size_t end = std::min(first + kBlock, length);
    for (size_t i = first; i < end; i++) {
      const uint32_t word = word_at(i);
      prefetch(tables.unigrams + 2 * size_t{word});
      if (word == kSentenceStart) {
        start_ahead = i;
        continue;
      }
      Hash hash{tables.seed, tables.seed};
      hash.extend(word);
      const size_t longest = std::min(order, i - start_ahead + 1);
      for (size_t k = 0; k + 2 <= longest; k++) {
        hash.extend(ids[i - k - 1]);
        keys[i - first][k] = Key(hash, tables.tables[k].slots);
        prefetch_entry(tables.tables[k], keys[i - first][k]);
      }
    }
    for (size_t i = first; i < end; i++) {
      const uint32_t word = word_at(i);
      const float* const unigram = tables.unigrams + 2 * size_t{word};
      if (word == kSentenceStart) {
        start = i;
        total = 0;
        unknown = 0;
        before[0] = unigram[1];
        contexts = 1;
        continue;
      }
      if (word == kUnknown) unknown++;
      double log_probability = unigram[0];
      here[0] = unigram[1];
      size_t found = 1, contexts_here = 1;
      const size_t longest = std::min(order, i - start + 1);
      for (size_t k = 0; k + 2 <= longest; k++) {
        const uint32_t* const entry = find(tables.tables[k], keys[i - first][k]);
        if (entry != nullptr) {
          log_probability = std::bit_cast<float>(entry[1]);
          found = k + 2;
          if (k < top) {
            here[k + 1] = std::bit_cast<float>(entry[2]);
            contexts_here = k + 2;
          }
        } else if (tables.is_closed) {
          break;
        } else {
          here[k + 1] = 0;
        }
      }
      for (size_t k = found - 1; k < contexts; k++) log_probability += before[k];
      total += log_probability;
      std::swap(before, here);
      contexts = contexts_here;
      if (word == kSentenceEnd && sentences < capacity) {
        double* const score = scores + kSentenceScores * sentences++;
        score[0] = total;
        score[1] = static_cast<double>(i) - static_cast<double>(start) - 1;
        score[2] = unknown;
      }
    }
  }
  return sentences;
}

}  // namespace corpusmill::ngram_lm
