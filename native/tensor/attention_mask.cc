#include "attention_mask.h"

#include <algorithm>

namespace corpusmill::tensor {

namespace {

constexpr int32_t kMostKeys = 1 << 24;

struct KeysInUse {
  int64_t first, end;
};

KeysInUse keys_in_use(const AttentionShape& shape, const AttentionMask& mask, size_t b) {
  const int64_t keys = static_cast<int64_t>(shape.keys);
  if (mask.key_range == nullptr) return {0, keys};
  return {std::clamp<int64_t>(mask.key_range[2 * b], 0, keys), std::clamp<int64_t>(mask.key_range[2 * b + 1], 0, keys)};
}

// Without segments and prefixes: short loops that the compiler turns into vectors, for masks cost much in short rows.
void plain_keys(const AttentionShape& shape, const AttentionMask& mask, KeysInUse used, size_t b, size_t row, size_t rows,
                VisibleKeys* visible) {
  const int64_t place = query_place(shape, mask, b, row);
  const int32_t least = static_cast<int32_t>(used.first), most = static_cast<int32_t>(used.end);
  const int32_t last = static_cast<int32_t>(place), count = static_cast<int32_t>(rows);
  const int32_t window = mask.window != 0 && mask.window < kMostKeys ? static_cast<int32_t>(mask.window) : kMostKeys;
  for (int32_t r = 0; r < static_cast<int32_t>(kQueryBlock); r++) {
    const int32_t at = last + (r < count ? r : count - 1);
    const int32_t end = mask.causal && at + 1 < most ? at + 1 : most;
    const int32_t first = at - window + 1 > least ? at - window + 1 : least;
    visible->first[r] = first < end ? first : 0;
    visible->end[r] = first < end ? end : 0;
    visible->prefix_first[r] = visible->prefix_end[r] = 0;
  }
  // Both bounds rise with the query, so the hull is from the first that sees anything to the last.
  size_t a = 0, z = rows;
  while (a < rows && visible->end[a] == 0) a++;
  while (z > a && visible->end[z - 1] == 0) z--;
  visible->hull_first = a < z ? visible->first[a] : 0;
  visible->hull_end = a < z ? visible->end[z - 1] : 0;
}

}  // namespace

int64_t query_place(const AttentionShape& shape, const AttentionMask& mask, size_t b, size_t row) {
  return keys_in_use(shape, mask, b).end - static_cast<int64_t>(shape.queries) + static_cast<int64_t>(row);
}

void visible_keys(const AttentionShape& shape, const AttentionMask& mask, size_t b, size_t row, size_t rows,
                  VisibleKeys* visible) {
  const KeysInUse used = keys_in_use(shape, mask, b);
  const int32_t* const ids = mask.segment_ids == nullptr ? nullptr : mask.segment_ids + b * shape.keys;
  int64_t segment_first = 0, segment_end = static_cast<int64_t>(shape.keys);
  int64_t hull_first = INT32_MAX, hull_end = 0;
  visible->rows = rows;
  if (ids == nullptr && mask.prefix == nullptr) {
    plain_keys(shape, mask, used, b, row, rows, visible);
    return;
  }
  for (size_t r = 0; r < rows; r++) {
    const size_t t = row + r;
    if (ids != nullptr && (r == 0 || ids[t] != ids[t - 1])) {
      segment_first = std::lower_bound(ids, ids + shape.keys, ids[t]) - ids;
      segment_end = std::upper_bound(ids, ids + shape.keys, ids[t]) - ids;
    }
    const int64_t place = query_place(shape, mask, b, t);
    const int64_t least = std::max(used.first, segment_first), most = std::min(used.end, segment_end);
    int64_t first = least, end = most;
    if (mask.causal) end = std::min(end, place + 1);
    if (mask.window != 0) first = std::max(first, place - static_cast<int64_t>(mask.window) + 1);
    int64_t prefix_first = 0, prefix_end = 0;
    if (mask.prefix != nullptr) {
      prefix_first = least;
      prefix_end = std::min<int64_t>(most, mask.prefix[b]);
    }
    if (first >= end) first = end = 0;
    if (prefix_first >= prefix_end) prefix_first = prefix_end = 0;
    // Two intervals that touch are one: then a whole block of it needs no look at the mask.
    if (prefix_end != 0 && end != 0 && first <= prefix_end && prefix_first <= end) {
      first = std::min(first, prefix_first);
      end = std::max(end, prefix_end);
      prefix_first = prefix_end = 0;
    } else if (end == 0) {
      std::swap(first, prefix_first);
      std::swap(end, prefix_end);
    }
    visible->first[r] = static_cast<int32_t>(first);
    visible->end[r] = static_cast<int32_t>(end);
    visible->prefix_first[r] = static_cast<int32_t>(prefix_first);
    visible->prefix_end[r] = static_cast<int32_t>(prefix_end);
    if (end > 0) {
      hull_first = std::min(hull_first, prefix_end > 0 ? std::min(first, prefix_first) : first);
      hull_end = std::max({hull_end, end, prefix_end});
    }
  }
  for (size_t r = rows; r < kQueryBlock && rows > 0; r++) {
    visible->first[r] = visible->first[rows - 1];
    visible->end[r] = visible->end[rows - 1];
    visible->prefix_first[r] = visible->prefix_first[rows - 1];
    visible->prefix_end[r] = visible->prefix_end[rows - 1];
  }
  visible->hull_first = static_cast<int32_t>(hull_end == 0 ? 0 : hull_first);
  visible->hull_end = static_cast<int32_t>(hull_end);
}

}  // namespace corpusmill::tensor
