// How work on plain entries is shared out among threads: in runs of whole cache lines, and, for operations over many
// tensors at once (gradients, optimizer state), over all of them as if they lay one behind the other, so that small ones
// cost no start of their own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "operation.h"

namespace corpusmill::tensor {

constexpr size_t kLineFloats = 16;

// Entries that are worth 5 µs of a thread: bound by memory, and bound by arithmetic (exponentials).
constexpr size_t kLeastEntries = 16384, kLeastSlowEntries = 4096;

// Calls task(from, to) over pieces of 0 to `length`, which begin at whole blocks of `block` entries.
template <typename Task>
void split_entries(RunContext& context, size_t length, size_t least, Task&& task, size_t block = 4 * kLineFloats) {
  const size_t blocks = (length + block - 1) / block;
  context.split(blocks, (least + block - 1) / block, [&](size_t from, size_t to, size_t) {
    task(from * block, to * block < length ? to * block : length);
  });
}

// The rows that are worth kLeastEntries.
inline size_t least_rows(size_t columns) { return columns >= kLeastEntries ? 1 : kLeastEntries / (columns == 0 ? 1 : columns); }

// Several tensors seen as one row of entries, cut into items of kItem. A tensor begins at a whole cache line of it.
class Flattened {
 public:
  static constexpr size_t kItem = 32768;

  static size_t padded(size_t length) { return (length + kLineFloats - 1) / kLineFloats * kLineFloats; }

  // `operand(i)` is tensor i, i < count. `starts` has room for count + 1 numbers.
  template <typename Get>
  Flattened(size_t count, size_t* starts, Get&& operand) : count_(count), starts_(starts) {
    starts[0] = 0;
    for (size_t i = 0; i < count; i++) starts[i + 1] = starts[i] + padded(operand(i).length);
  }

  template <typename Get>
  static size_t items_of(size_t count, Get&& operand) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) total += padded(operand(i).length);
    return (total + kItem - 1) / kItem;
  }

  size_t items() const { return (starts_[count_] + kItem - 1) / kItem; }

  // Calls part(tensor, from, to) for every piece of item `item`; `to` may be beyond the tensor's length by its padding.
  template <typename Part>
  void parts(size_t item, Part&& part) const {
    const size_t begin = item * kItem, end = begin + kItem;
    size_t low = 0, high = count_;
    while (high - low > 1) {
      const size_t middle = (low + high) / 2;
      if (starts_[middle] <= begin) low = middle;
      else high = middle;
    }
    for (size_t i = low; i < count_ && starts_[i] < end; i++) {
      const size_t from = begin > starts_[i] ? begin - starts_[i] : 0;
      const size_t to = (end < starts_[i + 1] ? end : starts_[i + 1]) - starts_[i];
      if (from < to) part(i, from, to);
    }
  }

 private:
  size_t count_;
  const size_t* starts_;
};

}  // namespace corpusmill::tensor
