// JSON values as JavaScript's JSON.stringify writes what JSON.parse reads, without making either: white space goes, and most
// values are nothing more than copied. Whatever might be written differently is left to JavaScript: escapes that stand for a
// character that needs none, names that JavaScript sorts or that come twice, numbers written with an exponent.
#pragma once

#include <cstddef>
#include <cstdint>

#include "json_string.h"

namespace corpusmill::json {

// A stretch of bytes.
struct Span {
  const uint8_t* data = nullptr;
  size_t length = 0;
};

bool same(const Span& a, const Span& b);

// The names of one object so far. Takes no name twice, and none that JavaScript treats in a way of its own: one that may be
// an array index, which it sorts before the others, and `__proto__`. Also full after kMost.
class Names {
 public:
  static constexpr size_t kMost = 48;
  bool add(const Span& name);
  bool has(const Span& name) const;

 private:
  Span names_[kMost];
  size_t count_ = 0;
};

// The name behind the quote before `at`, without escapes. Returns the place of its closing quote, kNone where it is not
// such a name.
size_t read_name(const uint8_t* bytes, size_t at, size_t end, Span& name);

// Writes the value at `at` to `out` and moves that behind it. Returns the first byte behind the value; kNone where it is left to
// JavaScript, or is no JSON. Needs room for as many bytes as the value has, and 16 more. The bytes must be UTF-8.
size_t copy_value(const uint8_t* bytes, size_t at, size_t end, uint8_t*& out);

// Where an integer that a double holds exactly and JavaScript writes the same ends, kNone for anything else.
size_t skip_plain_integer(const uint8_t* bytes, size_t at, size_t end);

}  // namespace corpusmill::json
