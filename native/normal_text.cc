#include "normal_text.h"

#include "plain_nfc.h"

namespace corpusmill {
namespace {

// Loops without jumps out, of which compilers make vectors.

// U+0000…U+001F but tab and newline, U+007F; and, in `visible`, whether a character is surely no white space: one of ASCII, or of
// U+00C0…U+07FF and U+4000…U+DFFF, whose first bytes begin none.
bool has_ascii_controls(const uint8_t* bytes, size_t length, bool& visible) {
  uint8_t found = 0, seen = 0;
  for (size_t i = 0; i < length; i++) {
    const uint8_t byte = bytes[i];
    found |= static_cast<uint8_t>((byte < 0x20) & (byte != '\t') & (byte != '\n'));
    found |= static_cast<uint8_t>(byte == 0x7f);
    seen |= static_cast<uint8_t>((byte > 0x20) & (byte < 0x7f));
    seen |= static_cast<uint8_t>(((byte >= 0xc3) & (byte <= 0xdf)) | ((byte >= 0xe4) & (byte <= 0xed)));
  }
  visible = seen != 0;
  return found != 0;
}

// U+0080…U+009F.
bool has_c1_controls(const uint8_t* bytes, size_t length) {
  uint8_t found = 0;
  for (size_t i = 1; i < length; i++) found |= static_cast<uint8_t>((bytes[i - 1] == 0xc2) & (bytes[i] < 0xa0));
  return found != 0;
}

// U+2028, U+2029. The byte order mark is not plain NFC.
bool has_separators(const uint8_t* bytes, size_t length) {
  uint8_t found = 0;
  for (size_t i = 2; i < length; i++) {
    found |= static_cast<uint8_t>((bytes[i - 2] == 0xe2) & (bytes[i - 1] == 0x80) & ((bytes[i] & 0xfe) == 0xa8));
  }
  return found != 0;
}

}  // namespace

bool is_normal_text(const uint8_t* bytes, size_t length) {
  bool visible = false;
  return !has_ascii_controls(bytes, length, visible) && visible && !has_c1_controls(bytes, length) &&
         !has_separators(bytes, length) && is_plain_nfc(bytes, length);
}

}  // namespace corpusmill
