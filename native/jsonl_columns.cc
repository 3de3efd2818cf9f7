#include "jsonl_columns.h"

#include <charconv>
#include <cstring>

namespace corpusmill::jsonl {
namespace {

using json::kNone;
using json::Names;
using json::skip_space;
using json::Span;

constexpr size_t kMostOffsetDigits = 20;
// Longer ids are left to JavaScript, so that little room is asked for.
constexpr size_t kMostIdBytes = 4096;
const Span kSource{reinterpret_cast<const uint8_t*>("source"), 6};
const Span kOriginalSource{reinterpret_cast<const uint8_t*>("original_source"), 15};

bool is_kept(const RecordShape& shape, const Span& name) {
  if (shape.keeps_all) return true;
  const uint8_t* at = shape.fields.data;
  const uint8_t* const end = at + shape.fields.length;
  while (at < end) {
    const auto* const feed = static_cast<const uint8_t*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    const uint8_t* const stop = feed == nullptr ? end : feed;
    if (json::same({at, static_cast<size_t>(stop - at)}, name)) return true;
    at = stop + 1;
  }
  return false;
}

// Where the row that is being written ends in each column.
struct Row {
  uint8_t* id;
  uint8_t* text;
  uint8_t* meta;
  bool has_id = false;
  bool has_numeric_id = false;
};

void append(uint8_t*& out, const Span& span) {
  std::memcpy(out, span.data, span.length);
  out += span.length;
}

// The value of the id field; kNone for one that is left to JavaScript.
size_t read_id(const uint8_t* bytes, size_t at, size_t end, Row& row) {
  Span id;
  if (bytes[at] == '"') {
    const size_t quote = json::read_name(bytes, at + 1, end, id);
    // An empty one is replaced, as if there were none.
    if (quote == kNone || id.length > kMostIdBytes) return kNone;
    append(row.id, id);
    row.has_id = id.length > 0;
    return quote + 1;
  }
  const size_t behind = json::skip_plain_integer(bytes, at, end);
  if (behind == kNone) return kNone;
  append(row.id, {bytes + at, behind - at});
  row.has_id = row.has_numeric_id = true;
  return behind;
}

void make_up_id(const RecordShape& shape, uint64_t offset, Row& row) {
  append(row.id, shape.id_head);
  auto* const digits = reinterpret_cast<char*>(row.id);
  row.id += std::to_chars(digits, digits + kMostOffsetDigits, offset).ptr - digits;
}

// Writes the record [at, end) behind `row`; false leaves it unread.
bool read_record(const uint8_t* bytes, size_t at, size_t end, const RecordShape& shape, Row& row) {
  if (bytes[at] != '{') return false;
  append(row.meta, shape.head);
  Names names;
  bool has_text = false;
  bool renamed = false;
  for (at = skip_space(bytes, at + 1, end);;) {
    Span name;
    if (at >= end || bytes[at] != '"') return false;
    const size_t quote = json::read_name(bytes, at + 1, end, name);
    if (quote == kNone || !names.add(name)) return false;
    at = skip_space(bytes, quote + 1, end);
    if (at >= end || bytes[at] != ':') return false;
    at = skip_space(bytes, at + 1, end);
    if (at >= end) return false;
    if (json::same(name, shape.text_field)) {
      if (bytes[at] != '"') return false;
      size_t written = 0;
      uint32_t units = 0;
      const size_t closing = json::decode_string(bytes, at + 1, end, row.text, written, units);
      if (closing == kNone) return false;
      row.text += written;
      has_text = true;
      at = closing + 1;
    } else if (shape.id_field.data != nullptr && json::same(name, shape.id_field)) {
      at = read_id(bytes, at, end, row);
      if (at == kNone) return false;
    } else {
      uint8_t* const before = row.meta;
      const bool is_renamed = json::same(name, kSource);
      renamed = renamed || is_renamed;
      *row.meta++ = ',';
      *row.meta++ = '"';
      append(row.meta, is_renamed ? kOriginalSource : name);
      *row.meta++ = '"';
      *row.meta++ = ':';
      at = json::copy_value(bytes, at, end, row.meta);
      if (at == kNone) return false;
      // Read all the same: a record of which any part is no JSON is refused.
      if (!is_kept(shape, name)) row.meta = before;
    }
    at = skip_space(bytes, at, end);
    if (at >= end) return false;
    if (bytes[at] == '}') break;
    if (bytes[at] != ',') return false;
    at = skip_space(bytes, at + 1, end);
  }
  *row.meta++ = '}';
  return has_text && !(renamed && names.has(kOriginalSource)) && skip_space(bytes, at + 1, end) == end;
}

size_t end_of(const Column& column, size_t rows) {
  return static_cast<size_t>(column.ends[static_cast<ptrdiff_t>(rows) - 1]);
}

}  // namespace

Stop read_columns(const uint8_t* bytes, size_t length, uint64_t offset, const RecordShape& shape, Column columns[3],
                  size_t most_rows, Progress& progress) {
  const Column &ids = columns[0], &texts = columns[1], &metas = columns[2];
  size_t id_end = end_of(ids, progress.rows), text_end = end_of(texts, progress.rows),
         meta_end = end_of(metas, progress.rows);
  while (progress.start < length) {
    const size_t start = progress.start;
    const void* const feed = std::memchr(bytes + start, '\n', length - start);
    const size_t end = feed == nullptr ? length : static_cast<size_t>(static_cast<const uint8_t*>(feed) - bytes);
    const size_t first = skip_space(bytes, start, end);
    if (first == end) {
      progress.start = end + 1;
      continue;
    }
    const size_t needed = end - start + kSlack;
    if (progress.rows == most_rows || ids.room - id_end < kMostIdBytes + kSlack + shape.id_head.length || texts.room - text_end < needed ||
        metas.room - meta_end < needed + shape.head.length + kOriginalSource.length) {
      return Stop::kRoom;
    }
    Row row{ids.bytes + id_end, texts.bytes + text_end, metas.bytes + meta_end};
    if (end - start > shape.most_bytes || !read_record(bytes, first, end, shape, row)) return Stop::kUnread;
    if (!row.has_id) make_up_id(shape, offset + start, row);
    progress.numeric_ids += row.has_numeric_id;
    ids.ends[progress.rows] = static_cast<int32_t>(id_end = static_cast<size_t>(row.id - ids.bytes));
    texts.ends[progress.rows] = static_cast<int32_t>(text_end = static_cast<size_t>(row.text - texts.bytes));
    metas.ends[progress.rows] = static_cast<int32_t>(meta_end = static_cast<size_t>(row.meta - metas.bytes));
    progress.rows++;
    progress.start = end + 1;
  }
  return Stop::kEnd;
}

}  // namespace corpusmill::jsonl
