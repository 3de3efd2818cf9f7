#include "document_columns.h"

#include <cstring>

namespace corpusmill::columns {
namespace {

constexpr char kSource[] = "{\"source\":\"";
constexpr size_t kSourceLength = sizeof kSource - 1;

bool begins(const Strings& strings, size_t row, const uint8_t* head, size_t length) {
  return strings.length(row) > length && std::memcmp(strings.start(row), head, length) == 0;
}

}  // namespace

size_t source_head(const uint8_t* json, size_t length) {
  if (length < kSourceLength || std::memcmp(json, kSource, kSourceLength) != 0) return 0;
  for (size_t at = kSourceLength; at < length; at++) {
    if (json[at] == '"') return at + 1;
    if (json[at] == '\\') return 0;
  }
  return 0;
}

size_t source_run(const Strings& metas, size_t from, size_t to, size_t head) {
  size_t row = from + 1;
  while (row < to && begins(metas, row, metas.start(from), head)) row++;
  return row;
}

size_t write_rests(const Strings& metas, const int32_t* id_offsets, const int32_t* text_offsets, const uint8_t* head,
                   size_t head_length, size_t from, size_t to, size_t budget, const Rests& rests) {
  auto end = static_cast<size_t>(rests.ends[-1]);
  size_t row = from;
  for (size_t taken = 0; row < to && taken < budget; row++) {
    if (!begins(metas, row, head, head_length)) break;
    const uint8_t* const rest = metas.start(row) + head_length;
    const size_t length = metas.length(row) - head_length;
    // Behind the member stands the comma before the next, in whose place the opening brace comes, or the closing brace.
    if (*rest != ',' && !(*rest == '}' && length == 1)) break;
    if (rests.room - end < length + 1) break;
    uint8_t* const out = rests.out + end;
    if (*rest == '}') {
      std::memcpy(out, "{}", 2);
      end += 2;
    } else {
      std::memcpy(out, rest, length);
      out[0] = '{';
      end += length;
    }
    taken += end - static_cast<size_t>(rests.ends[static_cast<ptrdiff_t>(row - from) - 1]);
    taken += static_cast<size_t>(id_offsets[row + 1] - id_offsets[row]);
    taken += static_cast<size_t>(text_offsets[row + 1] - text_offsets[row]);
    rests.ends[row - from] = static_cast<int32_t>(end);
  }
  return row;
}

void write_plain(const Strings& strings, size_t from, size_t to, uint8_t* out) {
  for (size_t row = from; row < to; row++) {
    const size_t length = strings.length(row);
    for (int byte = 0; byte < 4; byte++) *out++ = static_cast<uint8_t>(length >> (8 * byte));
    std::memcpy(out, strings.start(row), length);
    out += length;
  }
}

}  // namespace corpusmill::columns
