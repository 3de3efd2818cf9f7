// JSON Lines to the three columns that documents rest in (src/io/document-batch.ts): ids, texts, and what else a record holds
// as a JSON object. Records that say anything in an unusual way are left to JavaScript, whose reading of a record
// (src/io/jsonl.ts, src/io/record.ts) is the twin: a record that is read here gives the same bytes there.
// Idea: nearly all that a record holds is written again as it stands, so nothing is made of it in between.
#pragma once

#include <cstddef>
#include <cstdint>

#include "json_value.h"

namespace corpusmill::jsonl {

// What all records of an input have in common. Names are as JSON writes them, without quotes.
struct RecordShape {
  json::Span text_field;
  // Of no data where there is none.
  json::Span id_field;
  // What every meta begins with: `{"source":"…"`.
  json::Span head;
  // What a made-up id begins with; behind it comes the record's place in its file.
  json::Span id_head;
  // Whether all other fields are kept; else those of `fields`, line feeds between them.
  bool keeps_all = true;
  json::Span fields;
  // Longer ones are left unread.
  size_t most_bytes = SIZE_MAX;
};

// A column that grows: row i ends at ends[i], the first begins at ends[-1], and the next is written behind the last.
struct Column {
  uint8_t* bytes;
  size_t room;
  int32_t* ends;
};

// Bytes that must be writable behind what a row needs.
constexpr size_t kSlack = 32;

struct Progress {
  // Where the next line starts.
  size_t start;
  // Rows in the columns.
  size_t rows;
  // Of the rows that were read, those whose id was a number.
  size_t numeric_ids = 0;
};

// Why reading stopped: at the end, at a line that is left unread (the next one), or because a column has too little room.
enum class Stop : int { kEnd = 0, kUnread = 1, kRoom = 2 };

// Reads lines from `progress.start` on until it must stop; blank ones are passed over. `columns`: ids, texts, metas, each with room
// for `most_rows` rows. `offset`: of the first byte in the
// file. The bytes must be UTF-8.
Stop read_columns(const uint8_t* bytes, size_t length, uint64_t offset, const RecordShape& shape, Column columns[3],
                  size_t most_rows, Progress& progress);

}  // namespace corpusmill::jsonl
