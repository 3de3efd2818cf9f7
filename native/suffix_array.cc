#include "suffix_array.h"

#include <memory>
#include <new>

namespace corpusmill::suffix_array {

namespace {

// One bit per suffix: set where it is smaller than the one that follows it (type S of SA-IS).
class Types {
 public:
  explicit Types(size_t n) : bits_(new (std::nothrow) uint64_t[n / 64 + 1]()) {}
  bool ok() const { return bits_ != nullptr; }
  void set(int32_t i) { bits_[static_cast<size_t>(i) >> 6] |= uint64_t{1} << (i & 63); }
  bool is_small(int32_t i) const { return (bits_[static_cast<size_t>(i) >> 6] >> (i & 63)) & 1; }
  // Leftmost of a run of type S: larger before it, smaller from it on.
  bool is_leftmost(int32_t i) const { return i > 0 && is_small(i) && !is_small(i - 1); }

 private:
  std::unique_ptr<uint64_t[]> bits_;
};

struct Buckets {
  // Suffixes by first letter: how many, and a border that induction moves.
  std::unique_ptr<int32_t[]> counts;
  std::unique_ptr<int32_t[]> border;
  int32_t alphabet;

  explicit Buckets(int32_t letters)
      : counts(new (std::nothrow) int32_t[letters]()), border(new (std::nothrow) int32_t[letters]), alphabet(letters) {}
  bool ok() const { return counts != nullptr && border != nullptr; }
  void to_starts() {
    int32_t sum = 0;
    for (int32_t c = 0; c < alphabet; c++) {
      border[c] = sum;
      sum += counts[c];
    }
  }
  void to_ends() {
    int32_t sum = 0;
    for (int32_t c = 0; c < alphabet; c++) {
      sum += counts[c];
      border[c] = sum;
    }
  }
};

constexpr int32_t kEmpty = -1;

// From leftmost-S suffixes in place at the ends of their buckets: all L suffixes from the left, then all S from the right.
void induce(const int32_t* text, int32_t n, const Types& types, Buckets& buckets, int32_t* order) {
  buckets.to_starts();
  // The last suffix is of type L; what would induce it is the empty suffix, which is not stored.
  order[buckets.border[text[n - 1]]++] = n - 1;
  for (int32_t i = 0; i < n; i++) {
    const int32_t before = order[i] - 1;
    if (before >= 0 && !types.is_small(before)) order[buckets.border[text[before]]++] = before;
  }
  buckets.to_ends();
  for (int32_t i = n - 1; i >= 0; i--) {
    const int32_t before = order[i] - 1;
    if (before >= 0 && types.is_small(before)) order[--buckets.border[text[before]]] = before;
  }
}

// Whether the substrings from a and b to their next leftmost-S suffix are the same, letters and types. One that runs to the
// end of the text is like no other.
bool same_substring(const int32_t* text, int32_t n, const Types& types, int32_t a, int32_t b) {
  for (int32_t d = 0;; d++) {
    if (a + d >= n || b + d >= n) return false;
    if (text[a + d] != text[b + d] || types.is_small(a + d) != types.is_small(b + d)) return false;
    if (d > 0) {
      const bool a_ends = types.is_leftmost(a + d);
      if (a_ends != types.is_leftmost(b + d)) return false;
      if (a_ends) return true;
    }
  }
}

}  // namespace

bool sort_suffixes(const int32_t* text, int32_t n, int32_t alphabet, int32_t* order) {
  if (n == 0) return true;
  if (n == 1) {
    order[0] = 0;
    return true;
  }
  Types types(static_cast<size_t>(n));
  Buckets buckets(alphabet);
  if (!types.ok() || !buckets.ok()) return false;
  for (int32_t i = 0; i < n; i++) buckets.counts[text[i]]++;
  for (int32_t i = n - 2; i >= 0; i--) {
    if (text[i] < text[i + 1] || (text[i] == text[i + 1] && types.is_small(i + 1))) types.set(i);
  }

  // 1. Sort the leftmost-S substrings by inducing from their first letters.
  for (int32_t i = 0; i < n; i++) order[i] = kEmpty;
  buckets.to_ends();
  for (int32_t i = n - 1; i > 0; i--) {
    if (types.is_leftmost(i)) order[--buckets.border[text[i]]] = i;
  }
  induce(text, n, types, buckets, order);

  // 2. Name them in that order: the reduced text is their names in order of place. No two are adjacent, so place / 2 is a
  // slot of its own behind the sorted ones.
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) {
    if (types.is_leftmost(order[i])) order[count++] = order[i];
  }
  for (int32_t i = count; i < n; i++) order[i] = kEmpty;
  int32_t names = 0;
  for (int32_t i = 0; i < count; i++) {
    const int32_t place = order[i];
    if (i > 0 && !same_substring(text, n, types, order[i - 1], place)) names++;
    order[count + place / 2] = names;
  }
  if (count > 0) names++;
  int32_t* reduced = order + (n - count);
  for (int32_t i = n - 1, at = n - 1; i >= count; i--) {
    if (order[i] != kEmpty) order[at--] = order[i];
  }

  // 3. Sort the suffixes of the reduced text: by recursion, or at once when every name is its own.
  if (names < count) {
    if (!sort_suffixes(reduced, count, names, order)) return false;
  } else {
    for (int32_t i = 0; i < count; i++) order[reduced[i]] = i;
  }

  // 4. Put the leftmost-S suffixes in that order at the ends of their buckets, and induce the rest.
  for (int32_t i = 1, at = 0; i < n; i++) {
    if (types.is_leftmost(i)) reduced[at++] = i;
  }
  for (int32_t i = 0; i < count; i++) order[i] = reduced[order[i]];
  for (int32_t i = count; i < n; i++) order[i] = kEmpty;
  buckets.to_ends();
  for (int32_t i = count - 1; i >= 0; i--) {
    const int32_t place = order[i];
    order[i] = kEmpty;
    order[--buckets.border[text[place]]] = place;
  }
  induce(text, n, types, buckets, order);
  return true;
}

void shared_prefixes(const int32_t* text, const int32_t* order, int32_t n, int32_t* shared) {
  // First the suffix before each, by start; then, in order of start, each is replaced by what it shares with that: at most
  // one letter less than its predecessor in the text did.
  for (int32_t i = 0; i < n; i++) shared[i] = kEmpty;
  for (int32_t i = 1; i < n; i++) shared[order[i]] = order[i - 1];
  int32_t length = 0;
  for (int32_t i = 0; i < n; i++) {
    const int32_t other = shared[i];
    if (other == kEmpty || other == i) {
      length = 0;
    } else {
      const int32_t most = n - (i > other ? i : other);
      if (length > most) length = most;
      while (length < most && text[i + length] == text[other + length]) length++;
    }
    shared[i] = length;
    if (length > 0) length--;
  }
}

}  // namespace corpusmill::suffix_array
