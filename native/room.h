// Uninitialized memory for one text after another, which grows and is used again.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace corpusmill {

template <typename T>
class Room {
 public:
  // At least so many entries; content is lost when it grows. Null when there is no memory.
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

}  // namespace corpusmill
