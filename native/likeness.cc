#include "likeness.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "folded_tokens.h"
#include "utf8.h"

namespace corpusmill::likeness {
namespace {

// As in src/dedup/likeness.ts and order.ts.
constexpr double kEpsilon = 1e-9;
constexpr size_t kMostValues = 128;

// |A ∩ B| / min(|A|, |B|); 0 when either is empty.
double containment(const uint32_t* values, size_t count, const shingles::HashSet& set) {
  const size_t smaller = std::min(count, set.size());
  return smaller == 0 ? 0 : static_cast<double>(set.shared(values, count)) / static_cast<double>(smaller);
}

}  // namespace

size_t moved_values(const uint32_t* a, size_t a_count, const uint32_t* b, size_t b_count) {
  if (a_count > b_count) {
    std::swap(a, b);
    std::swap(a_count, b_count);
  }
  // A table of the shorter list: value and, above it, place + 1.
  uint64_t slots[4 * kMostValues];
  const size_t count = std::min(a_count, kMostValues);
  const size_t mask = std::bit_ceil(std::max(4 * count, size_t{4})) - 1;
  std::fill_n(slots, mask + 1, uint64_t{0});
  for (size_t i = 0; i < count; i++) {
    size_t slot = a[i] & mask;
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = (static_cast<uint64_t>(i + 1) << 32) | a[i];
  }
  // For each length the least last place of an ascending run of it (Schensted 1961).
  uint32_t ends[kMostValues];
  size_t common = 0, longest = 0;
  for (size_t i = 0; i < b_count && common < count; i++) {
    size_t slot = b[i] & mask;
    while (slots[slot] != 0 && static_cast<uint32_t>(slots[slot]) != b[i]) slot = (slot + 1) & mask;
    if (slots[slot] == 0) continue;
    common++;
    const auto place = static_cast<uint32_t>(slots[slot] >> 32);
    size_t at = longest;
    while (at > 0 && ends[at - 1] > place) at--;
    ends[at] = place;
    longest += at == longest;
  }
  return common - longest;
}

Opened OpenDocument::open(const uint8_t* bytes, size_t length) {
  uint16_t* const units = units_.of(length + folded_tokens::kPadding);
  uint32_t* const tokens = folded_.of(length + 1);
  if (units == nullptr || tokens == nullptr) return Opened::kNoMemory;
  const int64_t count = folded_tokens::fold(units, utf8::to_utf16(bytes, length, units), tokens);
  if (count < 0) return Opened::kUnknownCharacter;
  token_count_ = static_cast<size_t>(count);
  tokens_ = tokens;
  has_token_set_ = false;
  uint32_t* const hashes = hashes_.of(token_count_);
  if (hashes == nullptr) return Opened::kNoMemory;
  const size_t shingles = shingles::shingle(tokens, token_count_, rule_.shingle_tokens, hashes);
  return shingle_set_.open(hashes, shingles) ? Opened::kYes : Opened::kNoMemory;
}

Opened OpenDocument::reopen(const Held& held) {
  tokens_ = held.tokens;
  token_count_ = held.token_count;
  has_token_set_ = false;
  return shingle_set_.open(held.shingles, held.shingle_count) ? Opened::kYes : Opened::kNoMemory;
}

bool OpenDocument::open_tokens() {
  if (!has_token_set_) has_token_set_ = token_set_.open(tokens_, token_count_);
  return has_token_set_;
}

const Held* OpenDocument::sets() {
  sets_ = {shingle_set_.values(), shingle_set_.size(), nullptr, 0};
  if (rule_.is_jaccard) return &sets_;
  if (!open_tokens()) return nullptr;
  sets_.tokens = token_set_.values();
  sets_.token_count = token_set_.size();
  return &sets_;
}

bool OpenDocument::compare(const Held& held, Relation* relation) {
  if (!rule_.is_jaccard) return contained(held, relation);
  const size_t total = held.shingle_count + shingle_set_.size();
  const auto common = static_cast<double>(shingle_set_.shared(held.shingles, held.shingle_count));
  similarity_ = total == 0 ? 0 : common / (static_cast<double>(total) - common);
  *relation = similarity_ >= rule_.threshold ? Relation::kAlike : Relation::kApart;
  return true;
}

bool OpenDocument::contained(const Held& held, Relation* relation) {
  *relation = Relation::kApart;
  similarity_ = containment(held.shingles, held.shingle_count, shingle_set_);
  const double broken_shingles = 1 - similarity_;
  if (broken_shingles > 1 - rule_.min_shingles + kEpsilon) return true;
  if (!open_tokens()) return false;
  const double lacking_tokens = 1 - containment(held.tokens, held.token_count, token_set_);
  if (lacking_tokens > 1 - rule_.min_tokens + kEpsilon) return true;
  const auto shingle_tokens = static_cast<double>(rule_.shingle_tokens);
  if (broken_shingles > shingle_tokens * lacking_tokens + rule_.max_reordered + kEpsilon) return true;
  const size_t open_size = shingle_set_.size();
  const auto smaller = static_cast<double>(std::min(open_size, held.shingle_count));
  const auto larger = static_cast<double>(std::max(open_size, held.shingle_count));
  if (smaller < rule_.exact_below && (smaller != larger || broken_shingles > kEpsilon)) return true;
  const bool is_fragment = smaller < rule_.fragment * larger;
  if (smaller < rule_.ordered_below) {
    const Held& open = *sets();
    if (moved_values(open.shingles, open.shingle_count, held.shingles, held.shingle_count) > 0) return true;
    if (!is_fragment && moved_values(open.tokens, open.token_count, held.tokens, held.token_count) > 0) return true;
  }
  if (!is_fragment) *relation = Relation::kAlike;
  else *relation = open_size < held.shingle_count ? Relation::kFragmentOfHeld : Relation::kFragmentOfOpen;
  return true;
}

}  // namespace corpusmill::likeness
