// The memory in which each thread holds the text that it read last, and what was made of it: JavaScript never sees it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "room.h"

namespace corpusmill {

struct ThreadText {
  Room<uint16_t> units;
  Room<uint16_t> folded;
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
