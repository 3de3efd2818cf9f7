#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

// Whether the stage `normalize` (src/filters/normalize.ts) surely leaves a well-formed text as it is: in NFC, with more than white
// space, and without control characters but tab and newline, other line ends than newline, or a byte order mark. False says nothing.
bool is_normal_text(const uint8_t* bytes, size_t length);

}  // namespace corpusmill
