// JavaScript's door to native/words.cc: checks arguments, then calls.

#include <napi.h>

#include "arguments.h"
#include "words.h"

namespace {

namespace words = corpusmill::words;
using corpusmill::Arguments;

constexpr double kMostUnits = 0x7fffffff;

// breakWords(units, length, classes, starts, ends): number
Napi::Value BreakWords(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "breakWords");
  size_t units_length = 0;
  size_t starts_length = 0;
  size_t ends_length = 0;
  const uint16_t* units = arguments.array<uint16_t>(napi_uint16_array, 0, &units_length);
  const size_t length = arguments.integer(units_length < kMostUnits ? static_cast<double>(units_length) : kMostUnits);
  const uint8_t* classes = arguments.array<uint8_t>(napi_uint8_array, words::kTableCodePoints);
  uint32_t* starts = arguments.array<uint32_t>(napi_uint32_array, 0, &starts_length);
  uint32_t* ends = arguments.array<uint32_t>(napi_uint32_array, 0, &ends_length);
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t capacity = starts_length < ends_length ? starts_length : ends_length;
  const int64_t count = words::break_words(units, length, classes, starts, ends, capacity);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

// readWords(units, starts, ends, count, charFlags, hasSurrogates, flags, low, high, unitsBefore, charsBefore, lowBefore,
//           highBefore, stream, totals): boolean
Napi::Value ReadWords(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "readWords");
  size_t units_length = 0;
  size_t words_length = 0;
  const uint16_t* units = arguments.array<uint16_t>(napi_uint16_array, 0, &units_length);
  const uint32_t* starts = arguments.array<uint32_t>(napi_uint32_array, 0, &words_length);
  const uint32_t* ends = arguments.array<uint32_t>(napi_uint32_array, words_length);
  const size_t count = arguments.integer(static_cast<double>(words_length));
  const uint8_t* char_flags = arguments.array<uint8_t>(napi_uint8_array, words::kTableCodePoints);
  const bool has_surrogates = arguments.integer(1) == 1;
  // Words that overlap, run backwards or past the text would write past the stream.
  size_t written = 0;
  if (arguments.ok()) {
    size_t before = 0;
    for (size_t i = 0; i < count; i++) {
      if (starts[i] < before || ends[i] < starts[i] || ends[i] > units_length) {
        Napi::RangeError::New(info.Env(), "readWords: the words are not ascending ranges of the text")
            .ThrowAsJavaScriptException();
        return info.Env().Undefined();
      }
      written += ends[i] - starts[i];
      before = ends[i];
    }
  }
  words::Features out{};
  out.flags = arguments.array<uint8_t>(napi_uint8_array, count);
  out.low = arguments.array<int32_t>(napi_int32_array, count);
  out.high = arguments.array<int32_t>(napi_int32_array, count);
  out.units_before = arguments.array<uint32_t>(napi_uint32_array, count + 1);
  out.chars_before = arguments.array<uint32_t>(napi_uint32_array, count + 1);
  out.low_before = arguments.array<int32_t>(napi_int32_array, count + 1);
  out.high_before = arguments.array<int32_t>(napi_int32_array, count + 1);
  out.stream = arguments.array<uint16_t>(napi_uint16_array, written);
  out.totals = arguments.array<uint32_t>(napi_uint32_array, 3);
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), words::read_words(units, starts, ends, count, char_flags, has_surrogates, out));
}

}  // namespace

void RegisterWords(Napi::Env env, Napi::Object exports) {
  exports.Set("breakWords", Napi::Function::New(env, BreakWords, "breakWords"));
  exports.Set("readWords", Napi::Function::New(env, ReadWords, "readWords"));
}
