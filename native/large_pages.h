// Asks the system to back memory that nothing was written to yet with large pages, where it has them: filling it takes
// fewer page faults, and random reads of it fewer walks of the page table.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace corpusmill {

// Returns the first byte of the first whole page, 0 where the memory holds none.
inline size_t ask_for_large_pages(void* data, size_t bytes) {
  constexpr uintptr_t kPage = 1 << 21;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t from = (begin + kPage - 1) & ~(kPage - 1);
  const uintptr_t to = (begin + bytes) & ~(kPage - 1);
  if (to <= from) return 0;
#if defined(__linux__)
  (void)madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#endif
  return from - begin;
}

}  // namespace corpusmill
