#include "loose_text.h"

namespace corpusmill::loose_text {
namespace {

// Of a table's entry, above the unit that stands for this one.
constexpr int32_t kBlank = 1 << 17, kComplex = 1 << 19;

}  // namespace

int64_t fold(uint16_t* units, size_t length, const int32_t* table) {
  size_t end = 0;
  // At the start a blank is dropped as behind another.
  bool is_blank = true;
  for (size_t i = 0; i < length; i++) {
    const int32_t entry = table[units[i]];
    if ((entry & (kBlank | kComplex)) == 0) {
      units[end++] = static_cast<uint16_t>(entry);
      is_blank = false;
      continue;
    }
    if ((entry & kComplex) != 0) return -1;
    if (!is_blank) units[end++] = 0x20;
    is_blank = true;
  }
  if (is_blank && end > 0) end--;
  return static_cast<int64_t>(end);
}

}  // namespace corpusmill::loose_text
