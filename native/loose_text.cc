#include "loose_text.h"

namespace corpusmill::loose_text {

int64_t fold(const uint16_t* units, size_t length, const FoldTable& table, uint16_t* out) {
  size_t end = 0;
  // At the start a blank is dropped as behind another.
  bool is_blank = true;
  for (size_t i = 0; i < length; i++) {
    const int32_t entry = table.entries[units[i]];
    if ((entry & kFoldSpecial) == 0) {
      out[end++] = static_cast<uint16_t>(entry);
      is_blank = false;
    } else if ((entry & kFoldBlank) != 0) {
      if (!is_blank) out[end++] = 0x20;
      is_blank = true;
    } else {
      const UnitSpan span = table.special(entry, units, i, length);
      if (span.length == 0) return -1;
      for (size_t k = 0; k < span.length; k++) out[end++] = span.units[k];
      if ((entry & kFoldPair) != 0) i++;
      is_blank = false;
    }
  }
  if (is_blank && end > 0) end--;
  return static_cast<int64_t>(end);
}

}  // namespace corpusmill::loose_text
