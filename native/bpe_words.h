// The words of BPE training as records in one array: count, length, then the symbols, so that a visit to a word touches
// one or two neighbouring cache lines. A record is named by its offset in units of 8 bytes, which 32 bits hold up to
// 32 GiB. Symbols have 16 bits where all ids fit.
//
// Records lie in ranges that threads walk independently. `compact` closes, range by range, the gaps that merges leave,
// and drops words of one symbol, which have no pair.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "large_pages.h"
#include "thread_team.h"

namespace corpusmill::bpe {

template <typename Symbol>
class Words {
 public:
  struct Record {
    int64_t count;
    uint32_t length;
    uint32_t units;  // of 8 bytes, this header included: where the next record begins
    Symbol* symbols() { return reinterpret_cast<Symbol*>(this + 1); }
    const Symbol* symbols() const { return reinterpret_cast<const Symbol*>(this + 1); }
  };

  // Takes the words [starts[i], starts[i + 1]); `symbol_at(i)` is symbol i. False: they do not fit into 32-bit offsets.
  template <typename SymbolAt>
  bool read(const uint32_t* starts, const double* counts, size_t word_count, ThreadTeam& team, SymbolAt symbol_at) {
    const size_t ranges = kRangesPerThread * team.size();
    std::vector<size_t> first(ranges + 1, word_count), offset(ranges + 1, 0);
    const size_t symbols = starts[word_count] - starts[0];
    size_t total = 0, range = 0;
    first_total_ = 0;
    for (size_t word = 0; word < word_count; word++) {
      first_total_ += static_cast<int64_t>(counts[word]) * (starts[word + 1] - starts[word]);
      // The next range begins where the words before it have their share of the symbols.
      while (range < ranges && starts[word] - starts[0] >= symbols * range / ranges) {
        first[range] = word;
        offset[range++] = total;
      }
      total += units_of(starts[word + 1] - starts[word]);
    }
    for (; range <= ranges; range++) offset[range] = total;
    if (total > UINT32_MAX) return false;
    unit_count_ = total;
    units_.reset(new uint64_t[total + 1]);
    ask_for_large_pages(units_.get(), total * sizeof(uint64_t));
    ranges_.clear();
    for (size_t i = 0; i < ranges; i++) {
      ranges_.push_back({static_cast<uint32_t>(offset[i]), static_cast<uint32_t>(offset[i + 1]), 0, 0});
    }
    each_range(team, [&](size_t i, size_t) {
      size_t at = offset[i];
      for (size_t word = first[i]; word < first[i + 1]; word++) {
        const uint32_t length = starts[word + 1] - starts[word];
        Record& record = *this->record(static_cast<uint32_t>(at));
        record.count = static_cast<int64_t>(counts[word]);
        record.length = length;
        record.units = units_of(length);
        for (uint32_t k = 0; k < length; k++) record.symbols()[k] = static_cast<Symbol>(symbol_at(starts[word] + k));
        at += record.units;
      }
    });
    return true;
  }

  // Of 8 bytes, at the beginning.
  size_t unit_count() const { return unit_count_; }
  // What `symbol_total` was at the beginning.
  int64_t first_total() const { return first_total_; }

  Record* record(uint32_t offset) { return reinterpret_cast<Record*>(units_.get() + offset); }

  // Calls task(range, thread) for every range, each on some thread.
  template <typename Task>
  void each_range(ThreadTeam& team, Task task) {
    std::atomic<size_t> next{0};
    team.run([&](size_t t) {
      for (size_t i = next.fetch_add(1); i < ranges_.size(); i = next.fetch_add(1)) task(i, t);
    });
  }

  // Calls task(record, offset) for the records of a range.
  template <typename Task>
  void each_record(size_t range, Task task) {
    for (uint32_t at = ranges_[range].begin; at < ranges_[range].end;) {
      Record& word = *record(at);
      task(word, at);
      at += word.units;
    }
  }

  void compact(size_t range) {
    Range& words = ranges_[range];
    words.symbols = 0;
    uint32_t to = words.begin;
    for (uint32_t from = words.begin; from < words.end;) {
      Record& word = *record(from);
      from += word.units;
      if (word.length < 2) {
        if (word.length == 1) words.single_symbols += word.count;
        continue;
      }
      words.symbols += word.length;
      word.units = units_of(word.length);
      const uint32_t units = word.units;
      if (record(to) != &word) std::memmove(record(to), &word, units * 8);
      to += units;
    }
    words.end = to;
  }

  // Symbols of the words that the last `compact` of each range left, each word once.
  size_t symbol_count() const {
    size_t count = 0;
    for (const Range& range : ranges_) count += range.symbols;
    return count;
  }

  // Symbols of all words, each word as often as it occurs, those that `compact` dropped included.
  int64_t symbol_total() {
    int64_t total = 0;
    for (size_t i = 0; i < ranges_.size(); i++) {
      total += ranges_[i].single_symbols;
      each_record(i, [&](const Record& word, uint32_t) { total += word.count * word.length; });
    }
    return total;
  }

 private:
  struct Range {
    uint32_t begin, end;  // offsets of records
    int64_t single_symbols;
    size_t symbols;
  };

  static constexpr size_t kRangesPerThread = 8;
  static uint32_t units_of(size_t length) {
    return static_cast<uint32_t>((sizeof(Record) + length * sizeof(Symbol) + 7) / 8);
  }

  std::unique_ptr<uint64_t[]> units_;
  size_t unit_count_ = 0;
  int64_t first_total_ = 0;
  std::vector<Range> ranges_;
};

}  // namespace corpusmill::bpe
