// Shingles: hashes of the windows of n tokens, and sets of them. The definition, and twins that give the same bits, are
// in src/dedup/shingles.ts and src/dedup/shingle-set.ts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace corpusmill::shingles {

// Writes the shingle hashes of `count` tokens, repeats included, and returns their number: count - size + 1, at least 1
// unless there are no tokens. `out` has room for `count`. size >= 1.
size_t shingle(const uint32_t* tokens, size_t count, size_t size, uint32_t* out);

// A set of 32-bit hashes in an open-addressing table, emptied by counting on: a slot is in use when its upper half is
// the generation. Hashes are their own place in the table, since they already have full avalanche.
class HashSet {
 public:
  // Makes the different ones of `count` hashes the set. False when there is no memory for it.
  bool open(const uint32_t* hashes, size_t count);
  size_t size() const { return size_; }
  // In order of first occurrence.
  const uint32_t* values() const { return distinct_.get(); }
  // How many of `count` different values are in the set.
  size_t shared(const uint32_t* values, size_t count) const;

 private:
  std::unique_ptr<uint64_t[]> slots_;
  std::unique_ptr<uint32_t[]> distinct_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace corpusmill::shingles
