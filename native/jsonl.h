// The text of JSON Lines records: finds one member of each object, a string, and writes it as UTF-8. What is left of the
// record is for a JSON parser, which sees it whole but for that member; so is any record in which anything is unusual: those
// are left unread. The callers' side is src/io/jsonl-texts.ts, their twin JSON.parse itself.
// Idea: text is most of a record, and needs no more than to be copied up to the next escape, sixteen bytes at a time.
// Of the other members only the borders are looked for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::jsonl {

// Bytes that must be writable behind the texts.
constexpr size_t kPadding = 16;

// Places in the lines' bytes, but for the text's own.
struct Row {
  // Without the line feed.
  uint32_t line_start, line_end;
  // In `texts`.
  uint32_t text_start, text_end;
  // What to leave out of the line to be rid of the member, comma included; both 0 for a record that is left unread.
  uint32_t cut_start, cut_end;
  // Length of the text in UTF-16 units.
  uint32_t units;
};

// Reads lines of `bytes` from `start` on until their end or `most` rows. `field` is the member's name as JSON writes it,
// without quotes. `texts` has room for `length` - `start` bytes from `text_start` on, and kPadding more. The bytes must be
// UTF-8 for the texts to be. Returns the number of rows.
size_t read_texts(const uint8_t* bytes, size_t start, size_t length, const uint8_t* field, size_t field_length,
                  uint8_t* texts, size_t text_start, Row* rows, size_t most);

}  // namespace corpusmill::jsonl
