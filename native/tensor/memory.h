// Memory of tensors: zeroed, 64-byte aligned, backed by large pages where the system has them.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "../large_pages.h"

#if defined(_WIN32)
#include <malloc.h>
#endif

namespace corpusmill::tensor {

class Memory {
 public:
  Memory() = default;
  // Without data when there is not enough memory. A block of no bytes has a pointer too.
  explicit Memory(size_t bytes) : bytes_(bytes) {
    if (bytes > (size_t{1} << 46)) return;
#if defined(__linux__)
    // Pages of the kernel are zero already, and cost nothing before they are touched.
    if (bytes >= kMapped) {
      const size_t size = bytes + kLargePage;
      void* const block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (block == MAP_FAILED) return;
      block_ = block;
      mapped_ = size;
      data_ = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(block) + kLargePage - 1) & ~(kLargePage - 1));
      ask_for_large_pages(data_, bytes);
      return;
    }
#endif
    const size_t size = (bytes + 64) / 64 * 64;
#if defined(_WIN32)
    block_ = _aligned_malloc(size, 64);
#else
    block_ = std::aligned_alloc(64, size);
#endif
    if (block_ != nullptr) std::memset(block_, 0, size);
    data_ = static_cast<std::byte*>(block_);
  }
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    Memory(std::move(other)).swap(*this);
    return *this;
  }
  ~Memory() {
    if (block_ == nullptr) return;
#if defined(__linux__)
    if (mapped_ > 0) {
      munmap(block_, mapped_);
      return;
    }
#endif
#if defined(_WIN32)
    _aligned_free(block_);
#else
    std::free(block_);
#endif
  }

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kLargePage = size_t{1} << 21;
  static constexpr size_t kMapped = size_t{1} << 20;

  void swap(Memory& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(mapped_, other.mapped_);
  }

  void* block_ = nullptr;
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  size_t mapped_ = 0;
};

}  // namespace corpusmill::tensor
