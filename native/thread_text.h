// The memory in which each thread holds the text that it read last, and what was made of it: JavaScript never sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace corpusmill {

// Uninitialized memory that grows; content is lost when it does.
template <typename T>
class Room {
 public:
  // Null when there is no memory.
  T* of(size_t entries) {
    if (data_ == nullptr || entries > capacity_ || (capacity_ > kLarge && 4 * entries < capacity_)) {
      const size_t capacity = entries + entries / 4 + kLeast;
      capacity_ = 0;
      data_.reset();
      data_.reset(new (std::nothrow) T[capacity]);
      if (data_ == nullptr) return nullptr;
      capacity_ = capacity;
    }
    return data_.get();
  }
  const T* data() const { return data_.get(); }

 private:
  // What one huge text needed beyond this many entries is given back at the next that needs a quarter.
  static constexpr size_t kLarge = 1 << 22;
  static constexpr size_t kLeast = 1 << 12;

  std::unique_ptr<T[]> data_;
  size_t capacity_ = 0;
};

struct ThreadText {
  Room<uint16_t> units;
  Room<uint32_t> tokens;
  Room<uint32_t> shingles;
  Room<uint8_t> bytes;
  size_t token_count = 0;
};

inline ThreadText& thread_text() {
  static thread_local ThreadText text;
  return text;
}

}  // namespace corpusmill
