// Rows of documents' columns on their way into other files (src/io/write-columns.ts, src/io/parquet-text-column.ts,
// src/pipeline/part-columns.ts): a row takes some tens of nanoseconds here, and a microsecond in JavaScript that has just begun.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::columns {

// String i is bytes[offsets[i], offsets[i + 1]); the offsets have been checked.
struct Strings {
  const uint8_t* bytes;
  const int32_t* offsets;

  const uint8_t* start(size_t row) const { return bytes + offsets[row]; }
  size_t length(size_t row) const { return static_cast<size_t>(offsets[row + 1] - offsets[row]); }
};

// Of a JSON object: the bytes up to the end of its first member where that is a `source` whose string has no escape
// (`{"source":"…"`), else 0.
size_t source_head(const uint8_t* json, size_t length);

// The first row behind `from` that does not begin with the head of row `from`, at most `to`.
size_t source_run(const Strings& metas, size_t from, size_t to, size_t head);

// JSON objects without their first member, which is the `head` of all of them and not all that they hold of bytes.
struct Rests {
  uint8_t* out;
  size_t room;
  // Where rows end in `out`; ends[-1] is where the first begins.
  int32_t* ends;
};

// Writes rows from `from` on until `to`, the room or the budget ends, or a row does not begin with the head; returns the first
// that is not written. The budget is of bytes of rests, ids and texts: it ends with the row that fills it.
size_t write_rests(const Strings& metas, const int32_t* id_offsets, const int32_t* text_offsets, const uint8_t* head,
                   size_t head_length, size_t from, size_t to, size_t budget, const Rests& rests);

// Parquet's PLAIN encoding of byte arrays: before each string its length in four bytes, little-endian. Fills what
// 4 * (to - from) bytes and the strings take.
void write_plain(const Strings& strings, size_t from, size_t to, uint8_t* out);

}  // namespace corpusmill::columns
