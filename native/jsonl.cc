#include "jsonl.h"

#include <cstring>

#include "json_string.h"

namespace corpusmill::jsonl {
namespace {

using json::decode_string;
using json::is_space;
using json::kNone;
using json::skip_space;

// The closing quote of the string behind the quote before `at`, kNone where there is none.
size_t skip_string(const uint8_t* bytes, size_t at, size_t end, bool* has_escape) {
  for (; at < end; at++) {
    if (bytes[at] == '"') return at;
    if (bytes[at] == '\\') {
      *has_escape = true;
      at++;
    }
  }
  return kNone;
}

// The first byte behind the value at `at`; kNone where it does not end.
size_t skip_value(const uint8_t* bytes, size_t at, size_t end) {
  size_t depth = 0;
  bool has_escape = false;
  for (; at < end; at++) {
    const uint8_t byte = bytes[at];
    if (byte == '"') {
      at = skip_string(bytes, at + 1, end, &has_escape);
      if (at == kNone) return kNone;
      if (depth == 0) return at + 1;
    } else if (byte == '{' || byte == '[') {
      depth++;
    } else if (byte == '}' || byte == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (byte == ',' || is_space(byte))) {
      return at;
    }
  }
  return kNone;
}

// Fills what a row says of its text; false leaves the record unread.
bool read_record(const uint8_t* bytes, const uint8_t* field, size_t field_length, uint8_t* texts, size_t text_start,
                 Row& row) {
  const size_t end = row.line_end;
  size_t at = skip_space(bytes, row.line_start, end);
  if (at == end || bytes[at] != '{') return false;
  at = skip_space(bytes, at + 1, end);
  bool is_found = false;
  // Of the member that was found: the comma before it, and whether another member follows.
  size_t comma = kNone, cut_start = 0, cut_end = 0;
  for (bool is_open = false;;) {
    if (at == end || bytes[at] != '"') return false;
    const size_t member = at;
    // What follows the member that was found begins here.
    if (is_open) {
      cut_end = member;
      is_open = false;
    }
    bool has_escape = false;
    const size_t quote = skip_string(bytes, member + 1, end, &has_escape);
    if (quote == kNone || has_escape) return false;
    at = skip_space(bytes, quote + 1, end);
    if (at == end || bytes[at] != ':') return false;
    at = skip_space(bytes, at + 1, end);
    if (at == end) return false;
    const bool is_field =
        quote - member - 1 == field_length && std::memcmp(bytes + member + 1, field, field_length) == 0;
    if (is_field) {
      if (is_found || bytes[at] != '"') return false;
      is_found = true;
      is_open = true;
      cut_start = member;
      size_t written = 0;
      row.units = 0;
      const size_t closing = decode_string(bytes, at + 1, end, texts + text_start, written, row.units);
      if (closing == kNone) return false;
      row.text_start = static_cast<uint32_t>(text_start);
      row.text_end = static_cast<uint32_t>(text_start + written);
      at = closing + 1;
    } else {
      const size_t value = at;
      at = skip_value(bytes, at, end);
      if (at == kNone || at == value) return false;
    }
    at = skip_space(bytes, at, end);
    if (at == end) return false;
    if (bytes[at] == ',') {
      if (!is_open) comma = at;
      at = skip_space(bytes, at + 1, end);
      continue;
    }
    if (bytes[at] != '}') return false;
    if (is_open) {
      // Last of the object: the comma before it goes with it.
      if (comma != kNone) cut_start = comma;
      cut_end = at;
    }
    break;
  }
  if (!is_found || skip_space(bytes, at + 1, end) != end) return false;
  row.cut_start = static_cast<uint32_t>(cut_start);
  row.cut_end = static_cast<uint32_t>(cut_end);
  return true;
}

}  // namespace

size_t read_texts(const uint8_t* bytes, size_t start, size_t length, const uint8_t* field, size_t field_length,
                  uint8_t* texts, size_t text_start, Row* rows, size_t most) {
  size_t count = 0;
  size_t text = text_start;
  while (start < length && count < most) {
    const void* const feed = std::memchr(bytes + start, '\n', length - start);
    const size_t end = feed == nullptr ? length : static_cast<size_t>(static_cast<const uint8_t*>(feed) - bytes);
    Row& row = rows[count++];
    row = {static_cast<uint32_t>(start), static_cast<uint32_t>(end), 0, 0, 0, 0, 0};
    if (read_record(bytes, field, field_length, texts, text, row)) {
      text = row.text_end;
    } else {
      row.text_start = row.text_end = row.cut_start = row.cut_end = row.units = 0;
    }
    start = end + 1;
  }
  return count;
}

}  // namespace corpusmill::jsonl
