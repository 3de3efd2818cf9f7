// JavaScript's door to native/jsonl.cc. The lines may be in shared memory: whatever another thread makes of them meanwhile,
// nothing is written outside of the texts, which are the caller's own.

#include <napi.h>

#include "arguments.h"
#include "jsonl.h"

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

}  // namespace

void RegisterJsonl(Napi::Env env, Napi::Object exports) {
  exports.Set("readJsonlTexts", Napi::Function::New(env, ReadJsonlTexts, "readJsonlTexts"));
}
