// JavaScript's door to native/shard_pieces.h.

#include <napi.h>

#include <vector>

#include "arguments.h"
#include "shard_pieces.h"

namespace {

using corpusmill::Arguments;
using corpusmill::shards::Column;
using corpusmill::shards::EvenParts;
namespace shards = corpusmill::shards;

constexpr double kMostNumber = 4503599627370496.0;

template <typename T>
Column<T> column_of(Arguments& arguments, napi_typedarray_type type, size_t least = 0) {
  Column<T> column;
  column.data = arguments.own_array<T>(type, least, &column.size);
  return column;
}

Column<uint32_t> words_of(Arguments& arguments, size_t least = 0) {
  return column_of<uint32_t>(arguments, napi_uint32_array, least);
}

Column<double> doubles_of(Arguments& arguments, size_t least = 0) {
  return column_of<double>(arguments, napi_float64_array, least);
}

template <typename T>
Column<const T> fixed(const Column<T>& column) {
  return {column.data, column.size};
}

Napi::Value done(const Napi::CallbackInfo& info, const char* function, bool is_done) {
  if (!is_done) {
    Napi::RangeError::New(info.Env(), std::string(function) + ": a number among the arguments has no place")
        .ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

// dealDocuments(lengths, sources, sourceCount, sides | undefined, sets, next, window, records, counts, dealt, documents, tallies):
// how many documents are dealt now.
Napi::Value DealDocuments(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, "dealDocuments");
  shards::DealtPart part;
  part.lengths = fixed(words_of(arguments));
  part.sources = words_of(arguments, part.lengths.size).data;
  part.source_count = arguments.integer(UINT32_MAX);
  if (info[3].IsUndefined()) {
    arguments.next();
  } else {
    part.sides = arguments.own_array<uint8_t>(napi_uint8_array, part.lengths.size);
  }
  const Column<double> words = doubles_of(arguments);
  std::vector<EvenParts> sets(words.size / EvenParts::kWords);
  shards::Dealt dealt;
  dealt.next = doubles_of(arguments, sets.size()).data;
  dealt.window = words_of(arguments);
  dealt.records = words_of(arguments);
  dealt.counts = words_of(arguments);
  dealt.dealt = arguments.integer(UINT32_MAX);
  dealt.documents = arguments.integer(UINT32_MAX);
  double* const tallies = doubles_of(arguments, 2 * sets.size() * part.source_count).data;
  if (!arguments.ok()) return env.Undefined();
  bool are_sets = true;
  for (size_t s = 0; s < sets.size(); s++) are_sets = sets[s].read(words.data + s * EvenParts::kWords) && are_sets;
  if (!are_sets || !shards::deal_documents(part, sets, dealt, tallies)) return done(info, "dealDocuments", false);
  return Napi::Number::New(env, static_cast<double>(dealt.dealt));
}

// sortRecords(bucket, records, width, starts, out)
Napi::Value SortRecords(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "sortRecords");
  const auto bucket = words_of(arguments);
  const auto records = words_of(arguments);
  const size_t width = arguments.integer(1024);
  if (arguments.ok() && (width == 0 || records.size / width < bucket.size)) arguments.fail("leaves too few records");
  const auto starts = doubles_of(arguments);
  const auto out = words_of(arguments);
  if (!arguments.ok()) return info.Env().Undefined();
  return done(info, "sortRecords", shards::sort_records(fixed(bucket), records.data, width, starts, out));
}

// groupPieces(placeOf, documentOf, groupEnd, places, document, start, length, row, at, counts, words)
Napi::Value GroupPieces(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "groupPieces");
  const auto place_of = words_of(arguments);
  const auto document_of = words_of(arguments, place_of.size);
  const auto group_end = words_of(arguments);
  const size_t places = arguments.integer(UINT32_MAX - 1);
  shards::PackedColumns packed;
  const auto document = words_of(arguments);
  packed.pieces = document.size;
  packed.document = document.data;
  packed.start = words_of(arguments, packed.pieces).data;
  packed.length = words_of(arguments, packed.pieces).data;
  packed.row = words_of(arguments, packed.pieces).data;
  packed.at = words_of(arguments, packed.pieces).data;
  const auto counts = words_of(arguments, group_end.size);
  const auto words = words_of(arguments, shards::kPackedWords * packed.pieces);
  if (!arguments.ok()) return info.Env().Undefined();
  return done(info, "groupPieces",
              shards::group_pieces(fixed(place_of), document_of.data, fixed(group_end), places, packed, counts.data, words.data));
}

// placePieces(packed, next, rows, firstRow, words, shard)
Napi::Value PlacePieces(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "placePieces");
  const auto packed = words_of(arguments);
  const auto next = words_of(arguments);
  const auto rows = doubles_of(arguments, EvenParts::kWords);
  const size_t first_row = arguments.integer(kMostNumber);
  const auto words = words_of(arguments);
  const auto shard = words_of(arguments);
  EvenParts parts;
  if (arguments.ok() && words.size / shards::kPackedWords < shard.size) arguments.fail("has more places than the words");
  if (!arguments.ok()) return info.Env().Undefined();
  return done(info, "placePieces",
              parts.read(rows.data) && shards::place_pieces(fixed(packed), next, parts, first_row, words.data, shard));
}

// routePieces(words, shard, part, tokenAt, source, idEnds, starts, out, documents, idBytes)
Napi::Value RoutePieces(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "routePieces");
  const auto words = words_of(arguments);
  const auto shard = words_of(arguments);
  if (arguments.ok() && words.size / shards::kPackedWords < shard.size) arguments.fail("has more pieces than the words");
  const auto part = words_of(arguments);
  shards::GroupDocuments group;
  group.documents = part.size;
  group.part = part.data;
  group.token_at = words_of(arguments, part.size).data;
  group.source = words_of(arguments, part.size).data;
  group.id_ends = doubles_of(arguments, part.size + 1).data;
  const auto starts = doubles_of(arguments);
  const auto out = words_of(arguments, shards::kRoutedWords * shard.size);
  const auto documents = words_of(arguments, shard.size);
  const auto id_bytes = doubles_of(arguments, starts.size);
  if (!arguments.ok()) return info.Env().Undefined();
  return done(info, "routePieces",
              shards::route_pieces(words.data, fixed(shard), group, starts, out.data, documents.data, id_bytes.data));
}

// joinIds(documents, idEnds, ids, out)
Napi::Value JoinIds(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "joinIds");
  const auto documents = words_of(arguments);
  const auto id_ends = doubles_of(arguments);
  const auto ids = column_of<uint8_t>(arguments, napi_uint8_array);
  const auto out = column_of<uint8_t>(arguments, napi_uint8_array);
  if (!arguments.ok()) return info.Env().Undefined();
  return done(info, "joinIds", shards::join_ids(fixed(documents), fixed(id_ends), fixed(ids), out));
}

// rowColumns(words, firstRow, contextLength, firstPiece, idStart, idEnd, columns, seqOffsets, seqLengths, padding)
Napi::Value RowColumns(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "rowColumns");
  const auto words = words_of(arguments);
  const size_t pieces = words.size / shards::kRoutedWords;
  shards::RowColumns rows;
  rows.first_row = static_cast<uint32_t>(arguments.integer(INT32_MAX));
  rows.context_length = static_cast<uint32_t>(arguments.integer(INT32_MAX));
  const auto first_piece = words_of(arguments, 1);
  rows.rows = first_piece.size == 0 ? 0 : first_piece.size - 1;
  rows.first_piece = first_piece.data;
  rows.id_start = doubles_of(arguments, pieces).data;
  rows.id_end = doubles_of(arguments, pieces).data;
  rows.columns = words_of(arguments, 8 * pieces).data;
  rows.seq_offsets = arguments.own_array<int32_t>(napi_int32_array, rows.rows + 1);
  rows.seq_lengths = arguments.own_array<int32_t>(napi_int32_array, pieces + rows.rows);
  rows.padding = arguments.own_array<int32_t>(napi_int32_array, rows.rows);
  if (!arguments.ok()) return info.Env().Undefined();
  return done(info, "rowColumns", shards::row_columns(words.data, pieces, rows));
}

}  // namespace

void RegisterShardPieces(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, auto function) { exports.Set(name, Napi::Function::New(env, function, name)); };
  set("dealDocuments", DealDocuments);
  set("sortRecords", SortRecords);
  set("groupPieces", GroupPieces);
  set("placePieces", PlacePieces);
  set("routePieces", RoutePieces);
  set("joinIds", JoinIds);
  set("rowColumns", RowColumns);
}
