#include "json_value.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <version>

namespace corpusmill::json {
namespace {

constexpr int kMostDepth = 16;
// Integers of so many digits are doubles, each written as it stands.
constexpr size_t kExactDigits = 15;

bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

size_t skip_digits(const uint8_t* bytes, size_t at, size_t end) {
  while (at < end && is_digit(bytes[at])) at++;
  return at;
}

// Behind what may follow a number.
bool ends_value(const uint8_t* bytes, size_t at, size_t end) {
  return at < end && (bytes[at] == ',' || bytes[at] == '}' || bytes[at] == ']' || is_space(bytes[at]));
}

// Digits before the point; kNone for a zero in front of others.
size_t skip_whole(const uint8_t* bytes, size_t at, size_t end) {
  const size_t behind = skip_digits(bytes, at, end);
  return behind == at || (bytes[at] == '0' && behind > at + 1) ? kNone : behind;
}

// A decimal fraction or a long integer: written with the fewest digits that give the same double, as JavaScript does.
size_t copy_double(const uint8_t* bytes, size_t at, size_t end, uint8_t*& out) {
#ifdef __cpp_lib_to_chars
  const size_t start = at;
  if (bytes[at] == '-') at++;
  at = skip_whole(bytes, at, end);
  if (at == kNone) return kNone;
  if (at < end && bytes[at] == '.') {
    const size_t point = at++;
    at = skip_digits(bytes, at, end);
    if (at == point + 1) return kNone;
  }
  if (!ends_value(bytes, at, end)) return kNone;
  double value = 0;
  const auto* const first = reinterpret_cast<const char*>(bytes + start);
  const auto* const last = reinterpret_cast<const char*>(bytes + at);
  if (std::from_chars(first, last, value).ec != std::errc()) return kNone;
  const double size = std::fabs(value);
  if (size == 0) {
    *out++ = '0';
    return at;
  }
  // Smaller ones have an exponent in JavaScript; of larger ones it does not write every digit.
  if (size < 1e-6 || size >= 9007199254740992.0) return kNone;
  char digits[64];
  const auto written = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
  const auto length = static_cast<size_t>(written.ptr - digits);
  if (written.ec != std::errc() || length > at - start) return kNone;
  std::memcpy(out, digits, length);
  out += length;
  return at;
#else
  (void)bytes, (void)at, (void)end, (void)out;
  return kNone;
#endif
}

size_t copy_number(const uint8_t* bytes, size_t at, size_t end, uint8_t*& out) {
  const size_t behind = skip_plain_integer(bytes, at, end);
  if (behind == kNone) return copy_double(bytes, at, end, out);
  std::memcpy(out, bytes + at, behind - at);
  out += behind - at;
  return behind;
}

size_t copy_word(const uint8_t* bytes, size_t at, size_t end, const char* word, uint8_t*& out) {
  const size_t length = std::strlen(word);
  if (end - at < length || std::memcmp(bytes + at, word, length) != 0) return kNone;
  if (!ends_value(bytes, at + length, end)) return kNone;
  std::memcpy(out, word, length);
  out += length;
  return at + length;
}

// The string at `at`, with its quotes.
size_t copy_string(const uint8_t* bytes, size_t at, size_t end, uint8_t*& out) {
  *out++ = '"';
  for (at++;;) {
    uint32_t units = 0;
    const size_t stop = copy_plain(bytes, at, end, out, units);
    out += stop - at;
    if (stop == end) return kNone;
    if (bytes[stop] == '"') {
      *out++ = '"';
      return stop + 1;
    }
    if (bytes[stop] != '\\' || stop + 1 == end) return kNone;
    const uint8_t escaped = bytes[stop + 1];
    // A slash is written plainly, and so is nearly all that `\u` stands for.
    if (escaped == '/' || simple_escape(escaped) == 0) return kNone;
    *out++ = '\\';
    *out++ = escaped;
    at = stop + 2;
  }
}

size_t copy_at_depth(const uint8_t* bytes, size_t at, size_t end, int depth, uint8_t*& out);

size_t copy_object(const uint8_t* bytes, size_t at, size_t end, int depth, uint8_t*& out) {
  *out++ = '{';
  at = skip_space(bytes, at + 1, end);
  if (at < end && bytes[at] == '}') {
    *out++ = '}';
    return at + 1;
  }
  Names names;
  for (;;) {
    Span name;
    if (at >= end || bytes[at] != '"') return kNone;
    const size_t quote = read_name(bytes, at + 1, end, name);
    if (quote == kNone || !names.add(name)) return kNone;
    std::memcpy(out, bytes + at, name.length + 2);
    out += name.length + 2;
    at = skip_space(bytes, quote + 1, end);
    if (at >= end || bytes[at] != ':') return kNone;
    *out++ = ':';
    at = copy_at_depth(bytes, skip_space(bytes, at + 1, end), end, depth + 1, out);
    if (at == kNone) return kNone;
    at = skip_space(bytes, at, end);
    if (at >= end || (bytes[at] != ',' && bytes[at] != '}')) return kNone;
    *out++ = bytes[at];
    if (bytes[at] == '}') return at + 1;
    at = skip_space(bytes, at + 1, end);
  }
}

size_t copy_list(const uint8_t* bytes, size_t at, size_t end, int depth, uint8_t*& out) {
  *out++ = '[';
  at = skip_space(bytes, at + 1, end);
  if (at < end && bytes[at] == ']') {
    *out++ = ']';
    return at + 1;
  }
  for (;;) {
    at = copy_at_depth(bytes, at, end, depth + 1, out);
    if (at == kNone) return kNone;
    at = skip_space(bytes, at, end);
    if (at >= end || (bytes[at] != ',' && bytes[at] != ']')) return kNone;
    *out++ = bytes[at];
    if (bytes[at] == ']') return at + 1;
    at = skip_space(bytes, at + 1, end);
  }
}

size_t copy_at_depth(const uint8_t* bytes, size_t at, size_t end, int depth, uint8_t*& out) {
  if (at >= end || depth > kMostDepth) return kNone;
  switch (bytes[at]) {
    case '"': return copy_string(bytes, at, end, out);
    case '{': return copy_object(bytes, at, end, depth, out);
    case '[': return copy_list(bytes, at, end, depth, out);
    case 't': return copy_word(bytes, at, end, "true", out);
    case 'f': return copy_word(bytes, at, end, "false", out);
    case 'n': return copy_word(bytes, at, end, "null", out);
    default: return copy_number(bytes, at, end, out);
  }
}

}  // namespace

bool same(const Span& a, const Span& b) {
  return a.length == b.length && std::memcmp(a.data, b.data, a.length) == 0;
}

bool Names::add(const Span& name) {
  static const Span prototype{reinterpret_cast<const uint8_t*>("__proto__"), 9};
  if (count_ == kMost || (name.length > 0 && is_digit(name.data[0])) || same(name, prototype) || has(name)) return false;
  names_[count_++] = name;
  return true;
}

bool Names::has(const Span& name) const {
  for (size_t i = 0; i < count_; i++) {
    if (same(names_[i], name)) return true;
  }
  return false;
}

size_t read_name(const uint8_t* bytes, size_t at, size_t end, Span& name) {
  for (size_t i = at; i < end; i++) {
    if (bytes[i] == '"') {
      name = {bytes + at, i - at};
      return i;
    }
    if (bytes[i] == '\\' || bytes[i] < 0x20) return kNone;
  }
  return kNone;
}

size_t skip_plain_integer(const uint8_t* bytes, size_t at, size_t end) {
  const bool is_negative = at < end && bytes[at] == '-';
  const size_t first = at + (is_negative ? 1 : 0);
  const size_t behind = skip_whole(bytes, first, end);
  if (behind == kNone || behind - first > kExactDigits || !ends_value(bytes, behind, end)) return kNone;
  return is_negative && bytes[first] == '0' ? kNone : behind;
}

size_t copy_value(const uint8_t* bytes, size_t at, size_t end, uint8_t*& out) {
  return copy_at_depth(bytes, at, end, 0, out);
}

}  // namespace corpusmill::json
