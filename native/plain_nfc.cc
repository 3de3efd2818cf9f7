#include "plain_nfc.h"

#include <cstring>

#include "inline.h"

namespace corpusmill {

namespace {

// Of eight bytes.
CORPUSMILL_INLINE bool is_ascii(const uint8_t* bytes) {
  uint64_t eight;
  std::memcpy(&eight, bytes, sizeof eight);
  return (eight & 0x8080808080808080u) == 0;
}

// U+AC00…U+D77F: nearly all syllables.
bool is_hangul(uint8_t lead, uint8_t second) {
  return (lead == 0xea && second >= 0xb0) || lead == 0xeb || lead == 0xec || (lead == 0xed && second <= 0x9d);
}

}  // namespace

bool is_plain_nfc(const uint8_t* bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    if (at + 8 <= length && is_ascii(bytes + at)) {
      at += 8;
      continue;
    }
    const uint8_t lead = bytes[at];
    if (lead < 0x80) {
      at++;
    } else if (lead >= 0xc2 && lead <= 0xcb) {  // U+0080…U+02FF
      at += 2;
    } else if (lead == 0xd0 || lead == 0xd1) {  // U+0400…U+047F
      at += 2;
    } else if (lead >= 0xe5 && lead <= 0xe9) {  // U+5000…U+9FFF
      at += 3;
    } else if (at + 2 < length) {
      const uint8_t second = bytes[at + 1], third = bytes[at + 2];
      const bool is_plain = (lead == 0xe4 && second >= 0xb8) ||                                     // U+4E00…U+4FFF
                            (lead == 0xe3 && second == 0x80 && (third < 0xaa || third > 0xaf)) ||   // U+3000…U+303F
                            (lead == 0xe3 && (second == 0x81 || second == 0x83)) ||                 // U+3040…, U+30C0…
                            (lead == 0xe3 && second == 0x82 && third != 0x99 && third != 0x9a) ||   // U+3080…U+30BF
                            (lead == 0xe2 && second == 0x80 && third >= 0x90) ||                    // U+2010…U+203F
                            (lead == 0xef && second >= 0xbc) ||                                     // U+FF00…U+FFFF
                            is_hangul(lead, second);
      if (!is_plain) return false;
      at += 3;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace corpusmill
