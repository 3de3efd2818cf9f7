// Texts on their way to an encoder: UTF-16 to UTF-8, checking UTF-8, and whether NFC would change anything.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::utf8 {

struct Text {
  // Bytes of the text; of a check, those that are well-formed.
  size_t length;
  // No character is one that NFC may change or join to another (UAX #15, 9): the text is NFC. False says nothing.
  bool is_stable;
};

// Writes units as UTF-8, lone surrogates as U+FFFD. `out` has room for three bytes a unit and 16 more.
// unicode::set_classes must have been called, for this and for `check`.
Text from_utf16(const uint16_t* units, size_t count, uint8_t* out);

// The same without looking at the characters; needs no classes.
size_t write_utf16(const uint16_t* units, size_t count, uint8_t* out);

// Reads until the end or the first byte that is not well-formed UTF-8.
Text check(const uint8_t* bytes, size_t length);

// Writes UTF-8 as UTF-16 units, each byte that is not well-formed as U+FFFD; `out` has room for a unit a byte. Returns their
// number. Needs no classes.
size_t to_utf16(const uint8_t* bytes, size_t length, uint16_t* out);

}  // namespace corpusmill::utf8
