#include "key_match.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "inline.h"
#include "large_pages.h"

namespace corpusmill::keys {

namespace {

constexpr size_t kLargePage = 1 << 21;

// Calls `visit(row)` for the rows that count, as far as it returns true; whether it always did.
template <typename Visit>
CORPUSMILL_INLINE bool each_row(const Block& block, Visit&& visit) {
  if (block.set == nullptr) {
    for (size_t row = 0; row < block.rows; row++) {
      if (!visit(row)) return false;
    }
    return true;
  }
  const size_t first = block.first_id, end = first + block.rows;
  for (size_t word = first >> 5; word << 5 < end; word++) {
    const size_t base = word << 5;
    uint32_t bits = block.set[word];
    if (base < first) bits &= ~uint32_t{0} << (first - base);
    if (end - base < 32) bits &= ~(~uint32_t{0} << (end - base));
    if (bits == ~uint32_t{0}) {
      for (size_t id = base; id < base + 32; id++) {
        if (!visit(id - first)) return false;
      }
      continue;
    }
    for (; bits != 0; bits &= bits - 1) {
      if (!visit(base + static_cast<size_t>(std::countr_zero(bits)) - first)) return false;
    }
  }
  return true;
}

// Of a set of bits: 16 to 32 bits a record, as far as the bits of a word go.
size_t filter_words(size_t records) { return std::bit_ceil(std::clamp<size_t>(records / 2, 1, size_t{1} << 26)); }

// A power of two, at least twice the records.
size_t table_slots(size_t records) { return std::bit_ceil(std::max<size_t>(16, 2 * records)); }

}  // namespace

void count_prefixes(const Block& block, unsigned shift, uint32_t* sizes) {
  const uint32_t* const high = block.columns[0];
  each_row(block, [=](size_t row) {
    sizes[high[row] >> shift]++;
    return true;
  });
}

Words::~Words() { std::free(data_); }

bool Words::reserve(size_t words) {
  if (words <= room_) return true;
  std::free(data_);
  data_ = nullptr;
  room_ = 0;
  size_t bytes = 4 * words;
  void* memory = nullptr;
#if defined(__linux__)
  if (bytes >= kLargePage) {
    bytes = (bytes + kLargePage - 1) / kLargePage * kLargePage;
    memory = std::aligned_alloc(kLargePage, bytes);
    if (memory != nullptr) ask_for_large_pages(memory, bytes);
  }
#endif
  if (memory == nullptr) memory = std::malloc(bytes);
  if (memory == nullptr) return false;
  data_ = static_cast<uint32_t*>(memory);
  room_ = bytes / 4;
  return true;
}

bool Matcher::begin(const uint32_t* sizes, size_t from, size_t prefixes, unsigned shift) {
  shift_ = shift;
  from_ = from;
  total_ = 0;
  size_t largest = 0;
  ends_.resize(prefixes);
  next_.resize(prefixes);
  for (size_t i = 0; i < prefixes; i++) {
    next_[i] = static_cast<uint32_t>(total_);
    total_ += sizes[i];
    ends_[i] = static_cast<uint32_t>(total_);
    largest = std::max<size_t>(largest, sizes[i]);
  }
  prefix_ = 0;
  records_ = nullptr;
  mark_word_ = mark_words_ = 0;
  marks_ = 0;
  record_ = 0;
  marked_.assign((largest + 63) / 64, 0);
  return store_.reserve(total_ * (1 + words_)) && suspects_.reserve(largest) && chain_.reserve(largest) &&
         table_.reserve(std::max(table_slots(largest), 2 * filter_words(largest)));
}

template <size_t kWords>
bool Matcher::scatter(const Block& block) {
  constexpr size_t kWidth = 1 + kWords;
  const size_t prefixes = next_.size(), from = from_, total = total_;
  const unsigned shift = shift_;
  uint32_t* const next = next_.data();
  uint32_t* const store = store_.data();
  return each_row(block, [=, &block](size_t row) {
    const uint32_t high = block.columns[0][row];
    const size_t prefix = (high >> shift) - from;
    if (prefix >= prefixes) return true;
    const size_t at = next[prefix];
    if (at >= total) return false;
    next[prefix] = static_cast<uint32_t>(at + 1);
    uint32_t* const record = store + at * kWidth;
    record[0] = static_cast<uint32_t>(block.first_id + row);
    record[1] = high;
    for (size_t k = 1; k < kWords; k++) record[1 + k] = block.columns[k][row];
    return true;
  });
}

bool Matcher::add(const Block& block) { return words_ == 2 ? scatter<2>(block) : scatter<4>(block); }

bool Matcher::is_filled() const { return next_ == ends_; }

// Collects the records of a partition that may have a repeated key: those that share a bit of `seen` with another. No step
// depends on what was found, so that the processor guesses no branch wrong.
template <size_t kWords>
size_t Matcher::suspect(const uint32_t* records, size_t size) {
  constexpr size_t kWidth = 1 + kWords;
  const size_t words = filter_words(size);
  const unsigned shift = 32 - static_cast<unsigned>(std::countr_zero(32 * words));
  uint32_t* const seen = table_.data();
  uint32_t* const again = seen + words;
  std::memset(seen, 0, 8 * words);
  const uint32_t* key = records + 2;
  for (size_t r = 0; r < size; r++, key += kWidth) {
    const uint32_t place = *key >> shift, bit = uint32_t{1} << (place & 31), before = seen[place >> 5];
    again[place >> 5] |= before & bit;
    seen[place >> 5] = before | bit;
  }
  uint32_t* const suspects = suspects_.data();
  size_t count = 0;
  key = records + 2;
  for (size_t r = 0; r < size; r++, key += kWidth) {
    const uint32_t place = *key >> shift;
    suspects[count] = static_cast<uint32_t>(r);
    count += again[place >> 5] >> (place & 31) & 1;
  }
  return count;
}

// Chains the suspects of each key, from the last one on, so that a chain ascends; marks the first of each chain.
template <size_t kWords>
void Matcher::link(const uint32_t* records, size_t size) {
  constexpr size_t kWidth = 1 + kWords;
  const size_t count = suspect<kWords>(records, size);
  mark_word_ = 0;
  mark_words_ = (count + 63) / 64;
  if (count == 0) return;
  const size_t slots = table_slots(count), mask = slots - 1;
  const uint32_t* const suspects = suspects_.data();
  uint32_t* const table = table_.data();
  uint32_t* const chain = chain_.data();
  uint64_t* const marked = marked_.data();
  std::memset(table, 0, 4 * slots);
  for (size_t i = count; i-- > 0;) {
    const uint32_t* const key = records + suspects[i] * kWidth + 1;
    chain[i] = 0;
    // Linear probing. The partition has used the upper bits of the first word, the table takes the second.
    for (size_t slot = key[1] & mask;; slot = (slot + 1) & mask) {
      const size_t next = table[slot];
      if (next != 0) {
        const uint32_t* const other = records + suspects[next - 1] * kWidth + 1;
        if (std::memcmp(other, key, 4 * kWords) != 0) continue;
        chain[i] = static_cast<uint32_t>(next - 1);
        marked[(next - 1) >> 6] &= ~(uint64_t{1} << ((next - 1) & 63));
        marked[i >> 6] |= uint64_t{1} << (i & 63);
      }
      table[slot] = static_cast<uint32_t>(i + 1);
      break;
    }
  }
}

// Goes on to the next repeated key of the partition; false: there is none.
bool Matcher::next_first() {
  while (marks_ == 0) {
    if (mark_word_ == mark_words_) return false;
    marks_ = marked_[mark_word_];
    marked_[mark_word_++] = 0;
  }
  first_ = static_cast<uint32_t>(((mark_word_ - 1) << 6) + static_cast<size_t>(std::countr_zero(marks_)));
  record_ = chain_.data()[first_];
  marks_ &= marks_ - 1;
  return true;
}

size_t Matcher::match(Form form, uint32_t* out, size_t room, size_t* needed) {
  *needed = 0;
  size_t at = 0;
  for (;;) {
    at = form == Form::kPairs ? write_pairs(out, room, at) : write_groups(out, room, at, needed);
    // The group at hand has no room left.
    if (record_ != 0 || prefix_ == ends_.size()) return at;
    const uint32_t start = prefix_ == 0 ? 0 : ends_[prefix_ - 1], size = ends_[prefix_] - start;
    prefix_++;
    if (size < 2) continue;
    records_ = store_.data() + size_t{start} * (1 + words_);
    if (words_ == 2) link<2>(records_, size);
    else link<4>(records_, size);
  }
}

size_t Matcher::write_pairs(uint32_t* out, size_t room, size_t at) {
  const uint32_t* const chain = chain_.data();
  while (record_ != 0 || next_first()) {
    const uint32_t id = id_of(first_);
    for (; record_ != 0; record_ = chain[record_]) {
      if (room - at < 2) return at;
      out[at++] = id;
      out[at++] = id_of(record_);
    }
  }
  return at;
}

size_t Matcher::write_groups(uint32_t* out, size_t room, size_t at, size_t* needed) {
  const uint32_t* const chain = chain_.data();
  while (record_ != 0 || next_first()) {
    size_t count = 1;
    for (uint32_t record = record_; record != 0; record = chain[record]) count++;
    if (room - at < 1 + count) {
      if (at == 0) *needed = 1 + count;
      return at;
    }
    out[at++] = static_cast<uint32_t>(count);
    out[at++] = id_of(first_);
    for (; record_ != 0; record_ = chain[record_]) out[at++] = id_of(record_);
  }
  return at;
}

}  // namespace corpusmill::keys
