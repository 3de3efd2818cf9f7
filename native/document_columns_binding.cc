// JavaScript's door to native/document_columns.cc.

#include <napi.h>

#include "column_arguments.h"
#include "document_columns.h"

namespace {

using corpusmill::Arguments;
using corpusmill::ColumnRows;
namespace columns = corpusmill::columns;

// sourceRun(bytes, offsets, from, to, head): number; `head` receives the length of the first row's head
Napi::Value SourceRun(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "sourceRun");
  const ColumnRows rows = corpusmill::read_column_rows(arguments);
  if (arguments.ok() && rows.count() == 0) arguments.fail("leaves no row");
  uint32_t* const head = arguments.own_array<uint32_t>(napi_uint32_array, 1);
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t length = columns::source_head(rows.strings.start(rows.from), rows.strings.length(rows.from));
  *head = static_cast<uint32_t>(length);
  const size_t end = length == 0 ? rows.from + 1 : columns::source_run(rows.strings, rows.from, rows.to, length);
  return Napi::Number::New(info.Env(), static_cast<double>(end));
}

// writeRests(metas, metaOffsets, from, to, idOffsets, textOffsets, head, budget, out, outOffsets, outRow): number
Napi::Value WriteRests(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "writeRests");
  const ColumnRows rows = corpusmill::read_column_rows(arguments);
  const int32_t* const id_offsets = arguments.own_array<int32_t>(napi_int32_array, rows.to + 1);
  const int32_t* const text_offsets = arguments.own_array<int32_t>(napi_int32_array, rows.to + 1);
  size_t head_length = 0, room = 0, out_offsets = 0;
  const uint8_t* const head = arguments.own_array<uint8_t>(napi_uint8_array, 1, &head_length);
  const size_t budget = arguments.integer(9007199254740991.0);
  uint8_t* const out = arguments.own_array<uint8_t>(napi_uint8_array, 0, &room);
  int32_t* const offsets = arguments.own_array<int32_t>(napi_int32_array, 1, &out_offsets);
  const size_t out_row = arguments.integer(static_cast<double>(out_offsets));
  if (!arguments.ok()) return info.Env().Undefined();
  if (out_offsets - 1 < rows.count() || out_row > out_offsets - 1 - rows.count() || room > 0x7fffffff) {
    arguments.fail("leaves no room for the rows");
    return info.Env().Undefined();
  }
  if (offsets[out_row] < 0 || static_cast<size_t>(offsets[out_row]) > room) {
    arguments.fail("is about a row that ends outside of its column");
    return info.Env().Undefined();
  }
  const columns::Rests rests{out, room, offsets + out_row + 1};
  const size_t end = columns::write_rests(rows.strings, id_offsets, text_offsets, head, head_length, rows.from, rows.to,
                                          budget, rests);
  return Napi::Number::New(info.Env(), static_cast<double>(end));
}

// writePlain(bytes, offsets, from, to, out): void
Napi::Value WritePlain(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "writePlain");
  const ColumnRows rows = corpusmill::read_column_rows(arguments);
  if (!arguments.ok()) return info.Env().Undefined();
  const int32_t* const offsets = rows.strings.offsets;
  const size_t needed = 4 * rows.count() + static_cast<size_t>(offsets[rows.to] - offsets[rows.from]);
  uint8_t* const out = arguments.own_array<uint8_t>(napi_uint8_array, needed);
  if (arguments.ok()) columns::write_plain(rows.strings, rows.from, rows.to, out);
  return info.Env().Undefined();
}

}  // namespace

void RegisterDocumentColumns(Napi::Env env, Napi::Object exports) {
  exports.Set("sourceRun", Napi::Function::New(env, SourceRun, "sourceRun"));
  exports.Set("writeRests", Napi::Function::New(env, WriteRests, "writeRests"));
  exports.Set("writePlain", Napi::Function::New(env, WritePlain, "writePlain"));
}
