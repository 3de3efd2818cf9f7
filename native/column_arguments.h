// Rows of a column of strings among the arguments of a call from JavaScript.
#pragma once

#include <napi.h>

#include "arguments.h"
#include "document_columns.h"

namespace corpusmill {

// Rows [from, to) of a column.
struct ColumnRows {
  columns::Strings strings{nullptr, nullptr};
  size_t from = 0, to = 0;

  size_t count() const { return to - from; }
};

// Four arguments: bytes, offsets, from, to. The strings of the rows lie in the bytes, one behind the other.
inline ColumnRows read_column_rows(Arguments& arguments) {
  constexpr double kMostRows = 0x7fffffff;
  size_t length = 0, offsets = 0;
  ColumnRows rows;
  rows.strings.bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &length);
  rows.strings.offsets = arguments.own_array<int32_t>(napi_int32_array, 1, &offsets);
  const size_t from = arguments.integer(kMostRows), to = arguments.integer(kMostRows);
  if (!arguments.ok()) return rows;
  if (from > to || to >= offsets) {
    arguments.fail("is no row of the column");
    return rows;
  }
  rows.from = from;
  rows.to = to;
  const int32_t* const ends = rows.strings.offsets;
  bool is_ordered = ends[from] >= 0 && static_cast<size_t>(ends[to]) <= length;
  for (size_t row = from; row < to; row++) is_ordered = is_ordered && ends[row] <= ends[row + 1];
  if (!is_ordered) arguments.fail("belongs to a column whose texts are not in order");
  return rows;
}

}  // namespace corpusmill
