#include "bpe_merge.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace corpusmill::bpe {
namespace {

// Longer pieces go through the queues.
constexpr size_t kMostShort = 64;
// Bits for a place in a short piece.
constexpr int kPlaceBits = 7;
constexpr size_t kMostRanks = size_t{1} << (32 - kPlaceBits - 1);
constexpr uint32_t kNone = 0xffffffff;
// Scratch for longer pieces is given back.
constexpr size_t kMostKept = 1 << 18;

}  // namespace

size_t Merger::merge(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out) {
  if (length <= kMostShort && model.merges() < kMostRanks) return merge_short(model, bytes, length, out);
  const size_t count =
      model.is_monotone() ? merge_queued(model, bytes, length, out) : merge_heaped(model, bytes, length, out);
  if (length > kMostKept) {
    previous_ = next_ = rank_ = {};
    nodes_ = {};
  }
  return count;
}

size_t Merger::merge_short(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out) {
  // Of the pair that starts at a symbol: its rank and its place in one number, so that the least is the next to merge, found
  // without a branch; kNoMerge where there is none. A vocabulary has fewer than 2^25 merges, or they go another way.
  uint32_t pairs[kMostShort + 1];
  uint32_t products[kMostShort + 1];
  const auto look_up = [&](size_t at, uint32_t left, uint32_t right) {
    const Merge merge = model.merge_of(left, right);
    pairs[at] = merge.rank == kNoMerge ? kNoMerge : (merge.rank << kPlaceBits) | static_cast<uint32_t>(at);
    products[at] = merge.product;
  };
  size_t count = 0;
  for (size_t i = 0; i < length;) {
    const uint8_t lead = bytes[i];
    if (lead >= 0xe0 && lead < 0xf0 && i + 3 <= length) {
      const int32_t id = model.whole_character(bytes, i, length);
      if (id >= 0) {
        out[count++] = static_cast<uint32_t>(id);
        i += 3;
        continue;
      }
    }
    out[count++] = static_cast<uint32_t>(model.byte_id(lead));
    i++;
  }
  if (count == length) {
    for (size_t i = 0; i + 1 < length; i++) {
      const uint32_t rank = model.byte_rank(bytes[i], bytes[i + 1]);
      pairs[i] = rank == kNoMerge ? kNoMerge : (rank << kPlaceBits) | static_cast<uint32_t>(i);
      products[i] = rank == kNoMerge ? 0 : model.product(rank);
    }
  } else {
    for (size_t i = 0; i + 1 < count; i++) look_up(i, out[i], out[i + 1]);
  }
  while (count > 1) {
    uint32_t best = pairs[0];
    for (size_t i = 1; i + 1 < count; i++) best = std::min(best, pairs[i]);
    if (best == kNoMerge) break;
    const size_t where = best & ((1u << kPlaceBits) - 1);
    const uint32_t product = products[where];
    count--;
    for (size_t i = where + 1; i < count; i++) out[i] = out[i + 1];
    for (size_t i = where + 1; i + 1 < count; i++) {
      // The place moves along; a pair without a merge stays without.
      pairs[i] = pairs[i + 1] == kNoMerge ? kNoMerge : pairs[i + 1] - 1;
      products[i] = products[i + 1];
    }
    out[where] = product;
    if (where + 1 < count) look_up(where, product, out[where + 1]);
    if (where > 0) look_up(where - 1, out[where - 1], product);
  }
  return count;
}

void Merger::link(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out) {
  if (next_.size() < length) {
    previous_.resize(length);
    next_.resize(length);
    rank_.resize(length);
  }
  for (size_t i = 0; i < length; i++) {
    out[i] = static_cast<uint32_t>(model.byte_id(bytes[i]));
    previous_[i] = i == 0 ? kNone : static_cast<uint32_t>(i - 1);
    next_[i] = i + 1 == length ? kNone : static_cast<uint32_t>(i + 1);
    rank_[i] = i + 1 < length ? model.byte_rank(bytes[i], bytes[i + 1]) : kNoMerge;
  }
}

// Puts `product` in place of the pair that starts at `position`; of each new pair that merges, `found` gets rank and place.
template <typename Found>
inline void Merger::join(const Model& model, uint32_t product, uint32_t position, uint32_t* out, Found found) {
  const uint32_t absorbed = next_[position];
  const uint32_t right = next_[absorbed];
  out[position] = product;
  next_[position] = right;
  rank_[absorbed] = kNoMerge;
  rank_[position] = kNoMerge;
  if (right != kNone) {
    previous_[right] = position;
    const uint32_t created = model.merge_of(product, out[right]).rank;
    rank_[position] = created;
    if (created != kNoMerge) found(created, position);
  }
  const uint32_t left = previous_[position];
  if (left != kNone) {
    const uint32_t created = model.merge_of(out[left], product).rank;
    rank_[left] = created;
    if (created != kNoMerge) found(created, left);
  }
}

// Brings the symbols that are left together.
size_t Merger::collect(size_t length, uint32_t* out) {
  size_t count = 0;
  for (uint32_t i = 0; i < length; i = next_[i]) out[count++] = out[i];
  return count;
}

void Merger::enqueue(uint32_t rank, uint32_t position) {
  uint32_t node = free_node_;
  if (node != kNone) {
    free_node_ = nodes_[node].next;
  } else {
    node = static_cast<uint32_t>(nodes_.size());
    nodes_.emplace_back();
  }
  nodes_[node] = {position, kNone};
  Queue& queue = queues_[rank];
  if (queue.head == kNone) {
    queue.head = node;
    ranks_heap_.push_back(rank);
    std::push_heap(ranks_heap_.begin(), ranks_heap_.end(), std::greater<>());
  } else {
    if (nodes_[queue.tail].position > position) is_unordered_[rank] = 1;
    nodes_[queue.tail].next = node;
  }
  queue.tail = node;
}

// A merge only creates pairs of higher rank, so every position is queued at most three times.
size_t Merger::merge_queued(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out) {
  link(model, bytes, length, out);
  if (queues_.size() != model.merges()) {
    queues_.assign(model.merges(), {kNone, kNone});
    is_unordered_.assign(model.merges(), 0);
  }
  nodes_.clear();
  free_node_ = kNone;
  for (size_t i = 0; i < length; i++) {
    if (rank_[i] != kNoMerge) enqueue(rank_[i], static_cast<uint32_t>(i));
  }
  while (!ranks_heap_.empty()) {
    const uint32_t rank = ranks_heap_.front();
    std::pop_heap(ranks_heap_.begin(), ranks_heap_.end(), std::greater<>());
    ranks_heap_.pop_back();
    const uint32_t product = model.product(rank);
    uint32_t node = queues_[rank].head;
    queues_[rank].head = kNone;
    if (is_unordered_[rank] != 0) {
      // A token that two merges make can queue positions in two sweeps.
      is_unordered_[rank] = 0;
      std::vector<uint32_t> positions;
      for (uint32_t n = node; n != kNone; n = nodes_[n].next) positions.push_back(nodes_[n].position);
      std::sort(positions.begin(), positions.end());
      size_t i = 0;
      for (uint32_t n = node; n != kNone; n = nodes_[n].next) nodes_[n].position = positions[i++];
    }
    while (node != kNone) {
      const uint32_t position = nodes_[node].position;
      const uint32_t following = nodes_[node].next;
      nodes_[node].next = free_node_;
      free_node_ = node;
      node = following;
      if (rank_[position] != rank) continue;
      join(model, product, position, out, [&](uint32_t created, uint32_t at) { enqueue(created, at); });
    }
  }
  return collect(length, out);
}

size_t Merger::merge_heaped(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out) {
  link(model, bytes, length, out);
  using Entry = std::pair<uint32_t, uint32_t>;  // rank, position
  std::vector<Entry> entries;
  entries.reserve(length);
  for (size_t i = 0; i < length; i++) {
    if (rank_[i] != kNoMerge) entries.emplace_back(rank_[i], static_cast<uint32_t>(i));
  }
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap(std::greater<>(), std::move(entries));
  while (!heap.empty()) {
    const auto [rank, position] = heap.top();
    heap.pop();
    if (rank_[position] != rank) continue;
    join(model, model.product(rank), position, out, [&](uint32_t created, uint32_t at) { heap.emplace(created, at); });
  }
  return collect(length, out);
}

}  // namespace corpusmill::bpe
