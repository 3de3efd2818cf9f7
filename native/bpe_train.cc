#include "bpe_train.h"

#include <algorithm>
#include <atomic>

#include "bpe_neighbours.h"
#include "bpe_word_scan.h"
#include "prefetch.h"

namespace corpusmill::bpe {

SymbolBytes::SymbolBytes(const uint8_t* bytes, const double* starts, size_t tokens, size_t symbols)
    : bytes_(reinterpret_cast<const char*>(bytes), static_cast<size_t>(starts[tokens])), slots_(kFewestSlots, kFree) {
  for (size_t i = 0; i < tokens; i++) {
    const Range token{static_cast<size_t>(starts[i]), static_cast<size_t>(starts[i + 1] - starts[i])};
    if (i < symbols) symbols_.push_back(token);
    learn(token);
  }
}

size_t SymbolBytes::slot_of(std::string_view bytes) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = std::hash<std::string_view>{}(bytes) & mask;
  while (slots_[slot].start != kFree.start && bytes_of(slots_[slot]) != bytes) slot = (slot + 1) & mask;
  return slot;
}

bool SymbolBytes::learn(const Range& range) {
  const size_t slot = slot_of(bytes_of(range));
  if (slots_[slot].start != kFree.start) return false;
  slots_[slot] = range;
  if (++used_ * 2 < slots_.size()) return true;
  std::vector<Range> old(slots_.size() * 2, kFree);
  old.swap(slots_);
  for (const Range& known : old) {
    if (known.start != kFree.start) slots_[slot_of(bytes_of(known))] = known;
  }
  return true;
}

bool SymbolBytes::join(uint32_t left, uint32_t right) {
  const Range a = symbols_[left], b = symbols_[right];
  const Range joined{bytes_.size(), a.length + b.length};
  bytes_.append(bytes_, a.start, a.length).append(bytes_, b.start, b.length);
  if (!learn(joined)) {
    bytes_.resize(joined.start);
    return false;
  }
  symbols_.push_back(joined);
  return true;
}

bool SymbolBytes::greater(uint32_t left_a, uint32_t right_a, uint32_t left_b, uint32_t right_b) const {
  // std::char_traits<char> compares as unsigned bytes.
  const int order = of(left_a).compare(of(left_b));
  return (order != 0 ? order : of(right_a).compare(of(right_b))) > 0;
}

namespace {

// Words that a thread takes at a time, and how far ahead of the visit it asks for them: three cache lines of each, for words
// are half a line to some lines long and begin anywhere.
constexpr uint32_t kWordsAtATime = 256;
constexpr uint32_t kAhead = 12;
constexpr size_t kLinesAhead = 3;
// Shorter lists are not worth waking another thread, and fewer symbols not worth having one.
constexpr size_t kFewWords = 128;
constexpr size_t kFewSymbols = 1 << 14;
// Between the counts of the most and the least frequent pair of an index.
constexpr double kMostBarRatio = 64;
constexpr double kMargin = 1.3;

template <typename Symbol>
class Loop final : public MergeLoop {
 public:
  Loop(uint32_t first_new, uint32_t symbol_count, int64_t min_frequency, Tie tie, SymbolBytes bytes, size_t threads)
      : first_new_(first_new),
        most_merges_(symbol_count - first_new),
        min_frequency_(min_frequency),
        tie_(tie),
        bytes_(std::move(bytes)),
        team_(threads),
        next_(team_.size()),
        sides_(team_.size(), {Neighbours(symbol_count), Neighbours(symbol_count)}) {}

  bool read(const MergeWords& from) {
    const auto take = [&](const auto& symbol_at) {
      return words_.read(from.starts, from.counts, from.word_count, team_, symbol_at);
    };
    const bool fits = from.symbols != nullptr ? take([&](size_t i) { return from.symbols[i]; })
                                              : take([&](size_t i) { return from.symbol_of[from.bytes[i]]; });
    occurrences_ = words_.first_total();
    return fits;
  }

  bool advance(size_t most, size_t* merges, int32_t* lefts, int32_t* rights, double* pair_counts) override {
    for (const size_t end = *merges + most; *merges < end; ++*merges) {
      uint32_t index = next_pair(*merges);
      while (index != kNoPair && !bytes_.join(index_.pairs[index].left, index_.pairs[index].right)) {
        index = next_pair(*merges);
      }
      if (index == kNoPair) return false;
      const Pair pair = index_.pairs[index];
      lefts[*merges] = static_cast<int32_t>(pair.left);
      rights[*merges] = static_cast<int32_t>(pair.right);
      pair_counts[*merges] = static_cast<double>(pair.count);
      merge(pair, first_new_ + static_cast<uint32_t>(*merges));
    }
    return true;
  }

  int64_t symbol_total() override { return words_.symbol_total(); }

 private:
  using Record = typename Words<Symbol>::Record;
  enum Side { kLeft, kRight };

  // A pair and its count when it was pushed; counts only fall.
  struct Entry {
    int64_t count;
    uint64_t key;
    uint32_t pair;
  };
  // Where the next words are that a thread will take of its part of a list, or another that has done its own.
  struct alignas(64) Next {
    std::atomic<uint32_t> word{0};
  };

  bool before(const Entry& a, const Entry& b) const {
    if (a.count != b.count) return a.count > b.count;
    if (tie_ == Tie::kIds) return a.key < b.key;
    return bytes_.greater(left_of(a.key), right_of(a.key), left_of(b.key), right_of(b.key));
  }

  void push(uint32_t index) {
    const Pair& pair = index_.pairs[index];
    heap_.push_back({pair.count, key_of(pair.left, pair.right), index});
    std::push_heap(heap_.begin(), heap_.end(), [this](const Entry& a, const Entry& b) { return before(b, a); });
  }

  // The count of the last pair to merge is about that of the next one by (all merges / merges made), as by Zipf's law: pairs
  // rarer than that by a margin would be counted for nothing, and they are the most.
  double bar_ratio(size_t made) const {
    const double by_law = static_cast<double>(most_merges_) / static_cast<double>(std::max<size_t>(made, 1));
    return std::clamp(kMargin * by_law, kMargin, kMostBarRatio);
  }

  // The most frequent pair after so many merges, or kNoPair.
  uint32_t next_pair(size_t made) {
    for (;;) {
      if (heap_.empty()) {
        const uint32_t symbols = first_new_ + static_cast<uint32_t>(made);
        if (!index_.refill(words_, team_, {at_most_, min_frequency_, bar_ratio(made), symbols, occurrences_})) return kNoPair;
        at_most_ = index_.least() - 1;
        for (uint32_t pair = 0; pair < index_.pairs.size(); pair++) push(pair);
      }
      const Entry top = heap_.front();
      std::pop_heap(heap_.begin(), heap_.end(), [this](const Entry& a, const Entry& b) { return before(b, a); });
      heap_.pop_back();
      const int64_t count = index_.pairs[top.pair].count;
      if (count == top.count) return top.pair;
      if (count >= index_.least()) push(top.pair);
    }
  }

  void merge(const Pair& pair, uint32_t product) {
    occurrences_ -= pair.count;
    const size_t threads = pair.word_count < kFewWords ? 1 : team_.size();
    if (threads == 1) {
      begin(sides_[0], pair, product);
      visit(sides_[0], pair, product, 0, pair.word_count);
    } else {
      // A thread begins with the words that it wrote to the list, so that their symbols need not come from another's cache.
      const auto end_of = [&](size_t part) { return static_cast<uint32_t>(uint64_t{pair.word_count} * (part + 1) / threads); };
      for (size_t part = 0; part < threads; part++) next_[part].word = part == 0 ? 0 : end_of(part - 1);
      team_.run([&](size_t t) {
        begin(sides_[t], pair, product);
        for (size_t i = 0; i < threads; i++) {
          const size_t part = (t + i) % threads;
          std::atomic<uint32_t>& next = next_[part].word;
          const uint32_t end = end_of(part);
          for (uint32_t from = next.fetch_add(kWordsAtATime); from < end; from = next.fetch_add(kWordsAtATime)) {
            visit(sides_[t], pair, product, from, std::min(from + kWordsAtATime, end));
          }
        }
      });
    }
    settle(kLeft, threads, product);
    settle(kRight, threads, product);
    if (threads == 1) {
      write_lists(sides_[0]);
    } else {
      team_.run([&](size_t t) { write_lists(sides_[t]); });
    }
  }

  void begin(std::vector<Neighbours>& sides, const Pair& pair, uint32_t product) const {
    for (Neighbours& side : sides) side.clear();
    // The product beside itself: where two occurrences touch, (right, left) gives way to it.
    sides[kRight].at(product, [&](uint32_t) { return index_.find(pair.right, pair.left); });
  }

  // Rewrites the words [from, to) of the pair's list.
  void visit(std::vector<Neighbours>& sides, const Pair& pair, uint32_t product, uint32_t from, uint32_t to) {
    const uint32_t left = pair.left, right = pair.right;
    Neighbours &lefts = sides[kLeft], &rights = sides[kRight];
    const auto find_left = [&](uint32_t symbol) { return index_.find(symbol, left); };
    const auto find_right = [&](uint32_t symbol) { return index_.find(right, symbol); };
    const auto ask_for = [&](uint32_t i) {
      const char* const record = reinterpret_cast<const char*>(words_.record(pair.words[i]));
      for (size_t line = 0; line < kLinesAhead; line++) prefetch(record + 64 * line);
    };
    for (uint32_t i = from; i < std::min(from + kAhead, to); i++) ask_for(i);
    for (uint32_t i = from; i < to; i++) {
      if (i + kAhead < to) ask_for(i + kAhead);
      const uint32_t offset = pair.words[i];
      Record& word = *words_.record(offset);
      Symbol* const symbols = word.symbols();
      const uint32_t end = word.length;
      uint32_t read = find_pair(word, 0, left, right);
      if (read == end) continue;  // an earlier merge took the pair
      const int64_t count = word.count;
      uint32_t write = read;
      bool after_product = false;
      do {
        // Here the word has the pair.
        if (!after_product && write > 0) {
          const uint32_t place = lefts.at(symbols[write - 1], find_left);
          if (lefts.seen[place].old_pair != kNoPair) {
            lefts.seen[place].lost += count;
            lefts.gain(place, offset, count);
          }
        }
        symbols[write++] = static_cast<Symbol>(product);
        read += 2;
        if (read == end) break;
        const uint32_t next = symbols[read];
        const uint32_t place = rights.at(next, find_right);
        after_product = next == left && read + 1 < end && symbols[read + 1] == right;
        if (rights.seen[place].old_pair != kNoPair) {
          rights.seen[place].lost += count;
          rights.gain(after_product ? 0 : place, offset, count);
        }
        if (after_product) continue;
        const uint32_t stop = find_pair(word, read, left, right);
        move_down(symbols + write, symbols + read, stop - read);
        write += stop - read;
        read = stop;
      } while (read < end);
      word.length = write;
    }
  }

  // Takes what was lost off the old pairs of one side, and adds the new pairs that are frequent enough.
  void settle(Side side, size_t threads, uint32_t product) {
    Neighbours& all = sides_[0][side];
    for (Neighbour& own : all.seen) own.place = own.words;
    for (size_t t = 1; t < threads; t++) {
      for (Neighbour& part : sides_[t][side].seen) {
        if (part.old_pair == kNoPair) continue;
        Neighbour& sum = all.seen[all.at(part.symbol, [&](uint32_t) { return part.old_pair; })];
        sum.lost += part.lost;
        sum.gained += part.gained;
        part.place = sum.place;
        sum.place += part.words;
      }
    }
    for (Neighbour& neighbour : all.seen) {
      if (neighbour.old_pair == kNoPair) continue;
      index_.pairs[neighbour.old_pair].count -= neighbour.lost;
      if (neighbour.gained < index_.least()) continue;
      const uint32_t left = side == kLeft ? neighbour.symbol : product, right = side == kLeft ? product : neighbour.symbol;
      neighbour.list = index_.add(left, right, neighbour.gained, neighbour.place);
      push(static_cast<uint32_t>(index_.pairs.size() - 1));
    }
    for (size_t t = 1; t < threads; t++) {
      for (Neighbour& part : sides_[t][side].seen) {
        if (part.old_pair == kNoPair) continue;
        uint32_t* const list = all.seen[all.at(part.symbol, [](uint32_t) { return kNoPair; })].list;
        if (list != nullptr) part.list = list + part.place;
      }
    }
  }

  static void write_lists(std::vector<Neighbours>& sides) {
    for (Neighbours& side : sides) {
      for (const Neighbours::Event& event : side.events) {
        uint32_t*& list = side.seen[event.neighbour].list;
        if (list != nullptr) *list++ = event.word;
      }
    }
  }

  const uint32_t first_new_;
  const size_t most_merges_;
  const int64_t min_frequency_;
  const Tie tie_;
  SymbolBytes bytes_;
  ThreadTeam team_;
  Words<Symbol> words_;
  PairIndex index_;
  std::vector<Entry> heap_;
  int64_t at_most_ = INT64_MAX;
  int64_t occurrences_ = 0;
  std::vector<Next> next_;
  std::vector<std::vector<Neighbours>> sides_;  // [thread][side]
};

template <typename Symbol>
std::unique_ptr<MergeLoop> create(const MergeWords& words, uint32_t first_new, uint32_t symbol_count,
                                  int64_t min_frequency, Tie tie, SymbolBytes bytes, size_t threads) {
  auto loop = std::make_unique<Loop<Symbol>>(first_new, symbol_count, min_frequency, tie, std::move(bytes), threads);
  if (!loop->read(words)) return nullptr;
  return loop;
}

}  // namespace

std::unique_ptr<MergeLoop> create_merge_loop(const MergeWords& words, uint32_t first_new, uint32_t symbol_count,
                                             int64_t min_frequency, Tie tie, SymbolBytes bytes, size_t threads) {
  if (words.starts[words.word_count] < kFewSymbols) threads = 1;
  const auto make = symbol_count <= 0x10000 ? create<uint16_t> : create<uint32_t>;
  return make(words, first_new, symbol_count, min_frequency, tie, std::move(bytes), threads);
}

}  // namespace corpusmill::bpe
