// JavaScript's door to native/text_pieces.cc.

#include <napi.h>

#include <cstring>
#include <vector>

#include "column_arguments.h"
#include "fold_table_argument.h"
#include "text_pieces.h"
#include "thread_text.h"
#include "utf8.h"

namespace {

using corpusmill::Arguments;
using corpusmill::ColumnRows;
namespace pieces = corpusmill::pieces;

constexpr double kMostSpan = 1 << 20;

template <typename T>
void* copy_of(const std::vector<T>& values, Napi::ArrayBuffer buffer) {
  // memcpy wants memory also for nothing.
  return values.empty() ? nullptr : std::memcpy(buffer.Data(), values.data(), values.size() * sizeof(T));
}

Napi::Uint32Array words_of(Napi::Env env, const std::vector<uint32_t>& values) {
  const Napi::Uint32Array words = Napi::Uint32Array::New(env, values.size());
  copy_of(values, words.ArrayBuffer());
  return words;
}

Napi::Uint8Array bytes_of(Napi::Env env, const std::vector<uint8_t>& values) {
  const Napi::Uint8Array bytes = Napi::Uint8Array::New(env, values.size());
  copy_of(values, bytes.ArrayBuffer());
  return bytes;
}

// Reads rows up to the first that it cannot, whose number `end` is then. False when there is no memory.
bool read_rows(const ColumnRows& rows, pieces::Reader& reader, pieces::Features& features, size_t& end) {
  for (end = rows.from; end < rows.to; end++) {
    const size_t bytes = rows.strings.length(end);
    uint16_t* const units = corpusmill::thread_text().units.of(bytes + 1);
    if (units == nullptr) return false;
    const size_t length = corpusmill::utf8::to_utf16(rows.strings.start(end), bytes, units);
    if (!reader.read(units, length, features)) return true;
  }
  return true;
}

// textPieces(bytes, offsets, from, to, kind, span, minChars, entries, expansions, flags): [end, keys of rows, keys, places]
Napi::Value TextPieces(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, "textPieces");
  const ColumnRows rows = corpusmill::read_column_rows(arguments);
  pieces::Settings settings{};
  settings.are_paragraphs = arguments.integer(1) == 1;
  settings.span = arguments.integer(kMostSpan);
  if (arguments.ok() && settings.span == 0) arguments.fail("must be 1 at least");
  settings.min_chars = arguments.integer(9007199254740991.0);
  settings.table = corpusmill::read_fold_table(arguments);
  settings.flags = arguments.own_array<uint8_t>(napi_uint8_array, corpusmill::kFoldUnits);
  if (!arguments.ok()) return env.Undefined();
  pieces::Reader reader(settings);
  pieces::Features features;
  size_t end = 0;
  if (!read_rows(rows, reader, features, end)) {
    Napi::Error::New(env, "there is no memory for the lines of a block of texts").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Array found = Napi::Array::New(env, 4);
  found.Set(0u, Napi::Number::New(env, static_cast<double>(end)));
  found.Set(1u, words_of(env, features.row_keys));
  found.Set(2u, words_of(env, features.keys));
  found.Set(3u, bytes_of(env, features.places));
  return found;
}

}  // namespace

void RegisterTextPieces(Napi::Env env, Napi::Object exports) {
  exports.Set("textPieces", Napi::Function::New(env, TextPieces, "textPieces"));
}
