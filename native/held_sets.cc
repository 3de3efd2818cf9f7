#include "held_sets.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "large_pages.h"
#include "mix.h"

namespace corpusmill {
namespace {

constexpr size_t kFirstValues = 1 << 14;
constexpr size_t kFirstEntries = 1 << 10;
constexpr size_t kPageValues = (size_t{1} << 21) / sizeof(uint32_t);

}  // namespace

bool ValueStore::reserve(size_t values, size_t used) {
  if (values <= capacity_) return true;
  const size_t padding = values < kPageValues ? 0 : 2 * kPageValues;
  std::unique_ptr<uint32_t[]> larger(new (std::nothrow) uint32_t[values + padding]);
  if (larger == nullptr) return false;
  uint32_t* data = larger.get();
  if (padding > 0) data += ask_for_large_pages(data, (values + padding) * sizeof(uint32_t)) / sizeof(uint32_t);
  if (used > 0) std::memcpy(data, data_, used * sizeof(uint32_t));
  memory_ = std::move(larger);
  data_ = data;
  capacity_ = values;
  return true;
}

bool HeldSets::put(uint32_t ordinal, const likeness::Held& set) {
  const StoredSet stored{ordinal, static_cast<uint32_t>(set.shingle_count), static_cast<uint32_t>(set.token_count), end_};
  const size_t size = stored.size();
  if (end_ + size > limit_ && !make_room(size)) return false;
  uint32_t* const to = store_.data() + end_;
  if (stored.shingles > 0) std::memcpy(to, set.shingles, stored.shingles * sizeof(uint32_t));
  if (stored.tokens > 0) std::memcpy(to + stored.shingles, set.tokens, stored.tokens * sizeof(uint32_t));
  if (2 * (sets_ + 1) > table_.size()) grow_table();
  insert(ordinal, static_cast<uint32_t>(order_.size()));
  order_.push_back(stored);
  order_.back().start = end_;
  sets_++;
  end_ += size;
  live_ += size;
  return true;
}

const StoredSet* HeldSets::find(uint32_t ordinal) const {
  if (sets_ == 0) return nullptr;
  size_t slot = home_of(ordinal);
  while (table_[slot].ordinal != ordinal) {
    if (table_[slot].ordinal == kNobody) return nullptr;
    slot = (slot + 1) & (table_.size() - 1);
  }
  return &order_[table_[slot].place];
}

void HeldSets::release(const StoredSet* set) {
  StoredSet& released = order_[static_cast<size_t>(set - order_.data())];
  remove(released.ordinal);
  live_ -= released.size();
  sets_--;
  released.ordinal = kNobody;
}

void HeldSets::clear() {
  order_.clear();
  std::fill(table_.begin(), table_.end(), Entry{});
  sets_ = end_ = live_ = 0;
}

// Closes the gaps; room for `size` values more is then behind the last.
bool HeldSets::make_room(size_t size) {
  end_ = 0;
  size_t kept = 0;
  for (const StoredSet& set : order_) {
    if (set.ordinal == kNobody) continue;
    StoredSet moved = set;
    // Sets move towards the start alone, so none is overwritten before it has moved.
    std::memmove(store_.data() + end_, store_.data() + set.start, set.size() * sizeof(uint32_t));
    moved.start = end_;
    end_ += set.size();
    order_[kept++] = moved;
  }
  order_.resize(kept);
  std::fill(table_.begin(), table_.end(), Entry{});
  for (size_t place = 0; place < kept; place++) insert(order_[place].ordinal, static_cast<uint32_t>(place));
  const size_t needed = live_ + size;
  if (!store_.reserve(std::max({kFirstValues, most_values_ + most_values_ / 4, needed}), end_)) return false;
  limit_ = std::min(store_.capacity(), std::max(kFirstValues, needed + needed / 2));
  return true;
}

size_t HeldSets::home_of(uint32_t ordinal) const { return mix32(ordinal) & (table_.size() - 1); }

void HeldSets::insert(uint32_t ordinal, uint32_t place) {
  size_t slot = home_of(ordinal);
  while (table_[slot].ordinal != kNobody) slot = (slot + 1) & (table_.size() - 1);
  table_[slot] = {ordinal, place};
}

// What stands behind moves up, so that no search ends too soon (Knuth, volume 3, 6.4, algorithm R).
void HeldSets::remove(uint32_t ordinal) {
  const size_t mask = table_.size() - 1;
  size_t hole = home_of(ordinal);
  while (table_[hole].ordinal != ordinal) hole = (hole + 1) & mask;
  for (size_t slot = (hole + 1) & mask; table_[slot].ordinal != kNobody; slot = (slot + 1) & mask) {
    // Its own home lies behind the hole: it may not go before it.
    if (((slot - home_of(table_[slot].ordinal)) & mask) < ((slot - hole) & mask)) continue;
    table_[hole] = table_[slot];
    hole = slot;
  }
  table_[hole] = Entry{};
}

void HeldSets::grow_table() {
  const std::vector<Entry> old = std::move(table_);
  table_.assign(std::max(kFirstEntries, 2 * old.size()), Entry{});
  for (const Entry& entry : old) {
    if (entry.ordinal != kNobody) insert(entry.ordinal, entry.place);
  }
}

}  // namespace corpusmill
