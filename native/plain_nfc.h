#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill {

// Whether normalization to NFC surely leaves a text as it is: every character is in a range of characters that do not change
// and join with nothing before them. Most text of the Latin, Cyrillic, Chinese, Japanese and Korean scripts is.
bool is_plain_nfc(const uint8_t* bytes, size_t length);

}  // namespace corpusmill
