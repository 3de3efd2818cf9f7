#include "unicode_class.h"

#include <atomic>
#include <cstring>
#include <mutex>

namespace corpusmill::unicode {

Classes classes;

namespace {
std::mutex filling;
std::atomic<bool> filled{false};
}  // namespace

bool set_classes(const uint8_t* table) {
  if (has_classes()) return true;
  const std::lock_guard<std::mutex> lock(filling);
  if (has_classes()) return true;
  constexpr size_t kBlock = size_t{1} << kBlockBits;
  size_t used = 0;
  for (size_t block = 0; block < kBlocks; block++) {
    uint8_t entries[kBlock] = {};
    if (block * kBlock < kCodePoints) std::memcpy(entries, table + block * kBlock, kBlock);
    size_t same = 0;
    while (same < used && std::memcmp(classes.blocks + same * kBlock, entries, kBlock) != 0) same++;
    if (same == used) {
      if (used == kMostBlocks) return false;
      std::memcpy(classes.blocks + used++ * kBlock, entries, kBlock);
    }
    classes.block_of[block] = static_cast<uint16_t>(same);
  }
  filled.store(true, std::memory_order_release);
  return true;
}

bool has_classes() { return filled.load(std::memory_order_acquire); }

}  // namespace corpusmill::unicode
