#include "shingles.h"

#include <algorithm>
#include <new>

#include "mix.h"

namespace corpusmill::shingles {
namespace {

constexpr uint32_t kRollBase = 0x9e3779b1;
// Windows up to this size are summed up from their tokens, which compilers turn into vector code; longer ones are rolled.
constexpr size_t kSummed = 6;
constexpr size_t kLeast = 1 << 12;

template <size_t size>
CORPUSMILL_INLINE void sum_windows(const uint32_t* tokens, size_t windows, uint32_t* out) {
  for (size_t i = 0; i < windows; i++) {
    uint32_t sum = 0;
    for (size_t j = 0; j < size; j++) sum = sum * kRollBase + tokens[i + j];
    out[i] = mix32(sum);
  }
}

CORPUSMILL_INLINE void sum_windows(const uint32_t* tokens, size_t windows, size_t size, uint32_t* out) {
  switch (size) {
    case 1: return sum_windows<1>(tokens, windows, out);
    case 2: return sum_windows<2>(tokens, windows, out);
    case 3: return sum_windows<3>(tokens, windows, out);
    case 4: return sum_windows<4>(tokens, windows, out);
    case 5: return sum_windows<5>(tokens, windows, out);
    default: return sum_windows<6>(tokens, windows, out);
  }
}

#ifdef CORPUSMILL_X86
__attribute__((target("avx2"))) void sum_windows_avx2(const uint32_t* tokens, size_t windows, size_t size,
                                                      uint32_t* out) {
  sum_windows(tokens, windows, size, out);
}
#endif

void sum_windows_best(const uint32_t* tokens, size_t windows, size_t size, uint32_t* out) {
#ifdef CORPUSMILL_X86
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return sum_windows_avx2(tokens, windows, size, out);
#endif
  sum_windows(tokens, windows, size, out);
}

void roll_windows(const uint32_t* tokens, size_t count, size_t size, uint32_t* out) {
  // What a token's share in the sum has been multiplied by when it leaves the window.
  uint32_t leave = 1;
  for (size_t i = 0; i < size; i++) leave *= kRollBase;
  uint32_t roll = 0;
  for (size_t i = 0; i < size; i++) roll = roll * kRollBase + tokens[i];
  out[0] = mix32(roll);
  for (size_t i = size; i < count; i++) {
    roll = roll * kRollBase + tokens[i] - tokens[i - size] * leave;
    out[i - size + 1] = mix32(roll);
  }
}

// Whether a slot is in use, by another value than is wanted there. One jump that is hardly ever taken: whether a value is
// found is what a processor cannot predict.
CORPUSMILL_INLINE bool is_others(uint64_t slot, uint64_t wanted) {
  const uint64_t differing = slot ^ wanted;
  return differing - 1 < UINT32_MAX;
}

}  // namespace

size_t shingle(const uint32_t* tokens, size_t count, size_t size, uint32_t* out) {
  if (count == 0) return 0;
  if (count < size) {
    // Too short for a window: all its tokens as one shingle, told apart from a full window by their number.
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) sum = sum * kRollBase + tokens[i];
    out[0] = mix32(sum ^ mix32(static_cast<uint32_t>(count)));
    return 1;
  }
  const size_t windows = count - size + 1;
  if (size <= kSummed) sum_windows_best(tokens, windows, size, out);
  else roll_windows(tokens, count, size, out);
  return windows;
}

bool HashSet::open(const uint32_t* hashes, size_t count) {
  // What a huge document needed is given back after it.
  if (2 * count > capacity_ || generation_ == UINT32_MAX || (capacity_ > (kLeast << 10) && 16 * count < capacity_)) {
    size_t capacity = kLeast;
    while (capacity < 2 * count) capacity *= 2;
    size_ = capacity_ = 0;
    slots_.reset(new (std::nothrow) uint64_t[capacity]());
    distinct_.reset(new (std::nothrow) uint32_t[capacity / 2]);
    if (slots_ == nullptr || distinct_ == nullptr) return false;
    capacity_ = capacity;
    generation_ = 0;
  }
  generation_++;
  const size_t mask = capacity_ - 1;
  uint64_t* const slots = slots_.get();
  uint32_t* const distinct = distinct_.get();
  const uint64_t used = static_cast<uint64_t>(generation_) << 32;
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    const uint64_t wanted = used | hashes[i];
    size_t slot = hashes[i] & mask;
    while (is_others(slots[slot], wanted)) slot = (slot + 1) & mask;
    // Stored in any case: a jump that depends on the text costs more.
    distinct[size] = hashes[i];
    size += slots[slot] != wanted;
    slots[slot] = wanted;
  }
  size_ = size;
  return true;
}

size_t HashSet::shared(const uint32_t* values, size_t count) const {
  if (size_ == 0) return 0;
  const size_t mask = capacity_ - 1;
  const uint64_t* const slots = slots_.get();
  const uint64_t used = static_cast<uint64_t>(generation_) << 32;
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    const uint64_t wanted = used | values[i];
    size_t slot = values[i] & mask;
    while (is_others(slots[slot], wanted)) slot = (slot + 1) & mask;
    found += slots[slot] == wanted;
  }
  return found;
}

}  // namespace corpusmill::shingles
