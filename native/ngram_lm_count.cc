#include "ngram_lm_count.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "ngram_lm_words.h"

namespace corpusmill::ngram_lm {

namespace {

// Windows that are copied at once, if the corpus is not large, and that are sorted at once, if no single word has more.
constexpr size_t kGroup = size_t{1} << 18;
constexpr size_t kSorted = size_t{1} << 14;
// Fewer are sorted by comparing: counting digits would take longer.
constexpr size_t kFew = 1 << 10;
constexpr unsigned kMostDigitBits = 11;
// Passes over the corpus at most, but for words that fill more than their share. Fewer take more memory: at four, 5 bytes a
// token for windows of five words.
constexpr size_t kPasses = 4;

// The words that end in one place, last one first; zeros in front of the sentence.
template <size_t N>
struct Window {
  uint32_t words[N];

  bool operator<(const Window& other) const {
    for (size_t i = 0; i < N; i++) {
      if (words[i] != other.words[i]) return words[i] < other.words[i];
    }
    return false;
  }
};

// Sorts windows: a radix sort, two or three digits for a word, last word first.
template <size_t N>
class Sorter {
 public:
  explicit Sorter(size_t word_count) {
    const unsigned bits = static_cast<unsigned>(std::bit_width(word_count));
    digits_ = (bits + kMostDigitBits - 1) / kMostDigitBits;
    digit_bits_ = (bits + digits_ - 1) / digits_;
    counts_.resize(N * digits_ << digit_bits_);
  }

  void sort(Window<N>* windows, size_t count) {
    if (count < kFew) {
      std::sort(windows, windows + count);
      return;
    }
    if (scratch_.size() < count) scratch_.resize(count);
    const uint32_t mask = (uint32_t{1} << digit_bits_) - 1;
    std::fill(counts_.begin(), counts_.end(), 0);
    for (size_t i = 0; i < count; i++) {
      for (size_t word = 0; word < N; word++) {
        uint32_t rest = windows[i].words[word];
        for (unsigned digit = 0; digit < digits_; digit++, rest >>= digit_bits_) counts_of(word, digit)[rest & mask]++;
      }
    }
    Window<N>* from = windows;
    Window<N>* to = scratch_.data();
    for (size_t word = N; word-- > 0;) {
      for (unsigned digit = 0; digit < digits_; digit++) {
        uint32_t* const next = counts_of(word, digit);
        const unsigned shift = digit * digit_bits_;
        // A digit that all have in common orders nothing.
        if (next[(from[0].words[word] >> shift) & mask] == count) continue;
        uint32_t sum = 0;
        for (uint32_t value = 0; value <= mask; value++) {
          const uint32_t size = next[value];
          next[value] = sum;
          sum += size;
        }
        for (size_t i = 0; i < count; i++) to[next[(from[i].words[word] >> shift) & mask]++] = from[i];
        std::swap(from, to);
      }
    }
    if (from != windows) std::copy_n(from, count, windows);
  }

 private:
  uint32_t* counts_of(size_t word, unsigned digit) { return counts_.data() + ((word * digits_ + digit) << digit_bits_); }

  unsigned digits_ = 1, digit_bits_ = 1;
  std::vector<uint32_t> counts_;
  std::vector<Window<N>> scratch_;
};

template <size_t N>
class Counter {
 public:
  Counter(size_t word_count, double most, Level* levels)
      : word_count_(word_count), most_(most), levels_(levels), sorter_(word_count) {}

  bool count(const uint32_t* ids, size_t length) {
    std::vector<uint32_t> ends(word_count_, 0);
    size_t places = 0;
    for (size_t i = N - 1; i < length; i++) {
      if (ids[i] == kSentenceStart) continue;
      ends[ids[i]]++;
      places++;
    }
    const size_t group = std::max(kGroup, places / kPasses);
    std::vector<Window<N>> windows;
    // By word of the group, which sorted part it goes to.
    std::vector<uint32_t> part_of(word_count_);
    for (size_t first = 0; first < word_count_;) {
      size_t last = first;
      size_t size = 0;
      std::vector<size_t> part_ends{0};
      for (; last < word_count_ && (size == 0 || size + ends[last] <= group); last++) {
        if (size > part_ends.back() && size + ends[last] - part_ends.back() > kSorted) part_ends.push_back(size);
        part_of[last] = static_cast<uint32_t>(part_ends.size() - 1);
        size += ends[last];
      }
      part_ends.push_back(size);
      windows.resize(size);
      collect(ids, length, static_cast<uint32_t>(first), static_cast<uint32_t>(last), part_of, part_ends, windows.data());
      for (size_t part = 1; part < part_ends.size(); part++) {
        sorter_.sort(windows.data() + part_ends[part - 1], part_ends[part] - part_ends[part - 1]);
      }
      for (const Window<N>& window : windows) {
        if (!take(window)) return false;
      }
      first = last;
    }
    return finish();
  }

 private:
  // Copies the windows that end in a word of [first, last) to their parts.
  void collect(const uint32_t* ids, size_t length, uint32_t first, uint32_t last, const std::vector<uint32_t>& part_of,
               std::vector<size_t> next, Window<N>* windows) {
    size_t sentence = 0;
    for (size_t i = N - 1; i < length; i++) {
      const uint32_t word = ids[i];
      if (word == kSentenceStart) {
        sentence = i;
      } else if (word - first < last - first) {
        Window<N>& window = windows[next[part_of[word]]++];
        for (size_t back = 0; back < N; back++) window.words[back] = back <= i - sentence ? ids[i - back] : 0;
      }
    }
  }

  // Windows come in order: what one has in common with the one before it is counted on, the rest is new.
  bool take(const Window<N>& window) {
    size_t shared = 0;
    if (has_last_) {
      while (shared < N && window.words[shared] == last_.words[shared]) shared++;
    }
    const size_t known = shared;
    for (; shared < N; shared++) {
      if (shared > 0 && window.words[shared - 1] == kSentenceStart) break;
      begin(shared, window.words[shared]);
    }
    for (size_t level = 0; level < N; level++) {
      if (level > 0 && window.words[level - 1] == kSentenceStart) break;
      counts_[level]++;
    }
    if (known == N) return true;
    last_ = window;
    has_last_ = true;
    return total_ <= most_;
  }

  void begin(size_t level, uint32_t word) {
    end(level);
    if (level == 0) skip_to(word);
    if (level + 1 < N) levels_[level].first_child.push(static_cast<uint32_t>(levels_[level + 1].words.size()));
    levels_[level].words.push(word);
    is_open_[level] = true;
    total_++;
  }

  void end(size_t level) {
    if (!is_open_[level]) return;
    levels_[level].counts.push(counts_[level]);
    counts_[level] = 0;
    is_open_[level] = false;
  }

  // Words that no place ends in: entries without count and children.
  void skip_to(size_t word) {
    Level& unigrams = levels_[0];
    while (unigrams.words.size() < word) {
      if (N > 1) unigrams.first_child.push(static_cast<uint32_t>(levels_[1].words.size()));
      unigrams.words.push(static_cast<uint32_t>(unigrams.words.size()));
      unigrams.counts.push(0);
      total_++;
    }
  }

  bool finish() {
    for (size_t level = 0; level < N; level++) end(level);
    skip_to(word_count_);
    for (size_t level = 0; level + 1 < N; level++) {
      levels_[level].first_child.push(static_cast<uint32_t>(levels_[level + 1].words.size()));
    }
    return total_ <= most_;
  }

  const size_t word_count_;
  const double most_;
  Level* const levels_;
  Sorter<N> sorter_;
  Window<N> last_{};
  bool has_last_ = false;
  // Of the n-gram of each level that is being counted.
  std::array<uint32_t, N> counts_{};
  std::array<bool, N> is_open_{};
  double total_ = 0;
};

}  // namespace

void Pieces::move_to(uint32_t* out) {
  for (size_t i = 0; i < pieces_.size(); i++) {
    const size_t from = i * kPiece;
    std::memcpy(out + from, pieces_[i].get(), std::min(kPiece, size_ - from) * sizeof(uint32_t));
    pieces_[i].reset();
  }
  pieces_.clear();
  size_ = 0;
}

bool count_ngrams(const uint32_t* ids, size_t length, size_t word_count, size_t order, double most, Level* levels) {
  switch (order) {
    case 1: return Counter<1>(word_count, most, levels).count(ids, length);
    case 2: return Counter<2>(word_count, most, levels).count(ids, length);
    case 3: return Counter<3>(word_count, most, levels).count(ids, length);
    case 4: return Counter<4>(word_count, most, levels).count(ids, length);
    case 5: return Counter<5>(word_count, most, levels).count(ids, length);
    default: return Counter<6>(word_count, most, levels).count(ids, length);
  }
}

}  // namespace corpusmill::ngram_lm
