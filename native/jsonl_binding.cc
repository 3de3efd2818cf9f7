// JavaScript's door to native/jsonl.cc and native/jsonl_columns.cc. The lines may be in shared memory: whatever another thread makes of them meanwhile,
// nothing is written outside of texts and columns, which are the caller's own.

#include <napi.h>

#include <algorithm>
#include <vector>

#include "arguments.h"
#include "jsonl.h"
#include "jsonl_columns.h"

namespace {

using corpusmill::jsonl::kPadding;
using corpusmill::jsonl::Row;

constexpr size_t kWords = sizeof(Row) / sizeof(uint32_t);
constexpr size_t kMostBytes = 0xffffffff - kPadding;

// readJsonlTexts(bytes, start, field, texts, textStart, rows): number
Napi::Value ReadJsonlTexts(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "readJsonlTexts");
  size_t length = 0, field_length = 0, texts_length = 0, words = 0;
  const uint8_t* const bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &length);
  if (length > kMostBytes) arguments.fail("is too long");
  const size_t start = arguments.integer(static_cast<double>(length));
  const uint8_t* const field = arguments.own_array<uint8_t>(napi_uint8_array, 0, &field_length);
  uint8_t* const texts = arguments.own_array<uint8_t>(napi_uint8_array, 0, &texts_length);
  if (texts_length > kMostBytes) arguments.fail("is too long");
  const size_t text_start = arguments.integer(static_cast<double>(texts_length));
  if (arguments.ok() && texts_length - text_start < length - start + kPadding) {
    arguments.fail("leaves too little room for the texts");
  }
  uint32_t* const rows = arguments.own_array<uint32_t>(napi_uint32_array, kWords, &words);
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t count =
      corpusmill::jsonl::read_texts(bytes, start, length, field, field_length, texts, text_start,
                                    reinterpret_cast<Row*>(rows), words / kWords);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

namespace jsonl = corpusmill::jsonl;
using corpusmill::json::Span;

constexpr size_t kMostColumnBytes = 0x7fffffff;

// new JsonlReader(textField, idField, head, idHead, keepsAll, fields, mostBytes)
class JsonlReader : public Napi::ObjectWrap<JsonlReader> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "JsonlReader", {InstanceMethod<&JsonlReader::Read>("read")});
  }

  explicit JsonlReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsonlReader>(info) {
    corpusmill::Arguments arguments(info, "JsonlReader");
    copy(arguments, text_field_);
    copy(arguments, id_field_);
    copy(arguments, head_);
    copy(arguments, id_head_);
    shape_.keeps_all = arguments.integer(1) == 1;
    copy(arguments, fields_);
    shape_.most_bytes = arguments.integer(static_cast<double>(kMostColumnBytes));
    shape_.text_field = span(text_field_);
    shape_.id_field = id_field_.empty() ? Span{} : span(id_field_);
    shape_.head = span(head_);
    shape_.id_head = span(id_head_);
    shape_.fields = span(fields_);
  }

 private:
  static void copy(corpusmill::Arguments& arguments, std::vector<uint8_t>& to) {
    size_t length = 0;
    const uint8_t* const from = arguments.own_array<uint8_t>(napi_uint8_array, 0, &length);
    if (arguments.ok()) to.assign(from, from + length);
  }

  static Span span(const std::vector<uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

  // read(bytes, offset, ids, idOffsets, texts, textOffsets, metas, metaOffsets, progress): number
  Napi::Value Read(const Napi::CallbackInfo& info) {
    corpusmill::Arguments arguments(info, "read");
    size_t length = 0, most_rows = kMostColumnBytes;
    const uint8_t* const bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &length);
    if (length > kMostBytes) arguments.fail("is too long");
    const auto offset = static_cast<uint64_t>(arguments.integer(9007199254740991.0));
    jsonl::Column columns[3];
    for (jsonl::Column& column : columns) {
      size_t offsets = 0;
      column.bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &column.room);
      if (column.room > kMostColumnBytes) arguments.fail("is too long");
      column.ends = arguments.own_array<int32_t>(napi_int32_array, 1, &offsets);
      if (!arguments.ok()) return info.Env().Undefined();
      column.ends++;
      most_rows = std::min(most_rows, offsets - 1);
    }
    uint32_t* const words = arguments.own_array<uint32_t>(napi_uint32_array, 3);
    if (!arguments.ok()) return info.Env().Undefined();
    jsonl::Progress progress{words[0], words[1]};
    if (progress.start > length || progress.rows > most_rows) {
      arguments.fail("is about other lines or columns");
      return info.Env().Undefined();
    }
    for (const jsonl::Column& column : columns) {
      const int32_t end = column.ends[static_cast<ptrdiff_t>(progress.rows) - 1];
      if (end < 0 || static_cast<size_t>(end) > column.room) {
        arguments.fail("is about rows that end outside of a column");
        return info.Env().Undefined();
      }
    }
    const jsonl::Stop stop = jsonl::read_columns(bytes, length, offset, shape_, columns, most_rows, progress);
    words[0] = static_cast<uint32_t>(progress.start);
    words[1] = static_cast<uint32_t>(progress.rows);
    words[2] += static_cast<uint32_t>(progress.numeric_ids);
    return Napi::Number::New(info.Env(), static_cast<double>(stop));
  }

  std::vector<uint8_t> text_field_, id_field_, head_, id_head_, fields_;
  jsonl::RecordShape shape_{};
};

}  // namespace

void RegisterJsonl(Napi::Env env, Napi::Object exports) {
  exports.Set("JsonlReader", JsonlReader::Define(env));
  exports.Set("readJsonlTexts", Napi::Function::New(env, ReadJsonlTexts, "readJsonlTexts"));
}
