// Memory that can be refused: the add-on is compiled without exceptions, so a std::vector that finds no memory would end the
// process. Every call that grows says whether it could.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace corpusmill::fasttext {

// An array that grows; what is new is not initialized.
template <typename T>
class Growing {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Growing() = default;
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  ~Growing() { std::free(data_); }

  // Room for `entries` in all; false when there is no memory, and then nothing has changed.
  bool reserve(size_t entries) {
    if (entries <= capacity_) return true;
    const size_t wanted = entries > capacity_ + capacity_ / 2 ? entries : capacity_ + capacity_ / 2;
    if (wanted > static_cast<size_t>(-1) / sizeof(T)) return false;
    auto* const grown = static_cast<T*>(std::realloc(data_, wanted * sizeof(T)));
    if (grown == nullptr) return false;
    data_ = grown;
    capacity_ = wanted;
    return true;
  }
  bool resize(size_t entries) {
    if (!reserve(entries)) return false;
    size_ = entries;
    return true;
  }
  bool push(T value) {
    if (!reserve(size_ + 1)) return false;
    data_[size_++] = value;
    return true;
  }
  // Gives memory beyond `entries` back; content is lost.
  void shrink(size_t entries) {
    if (capacity_ <= entries) return;
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }
  void clear() { size_ = 0; }
  void swap(Growing& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace corpusmill::fasttext
