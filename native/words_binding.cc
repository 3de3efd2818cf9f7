// JavaScript's door to native/words.cc: checks arguments, then calls.

#include <napi.h>

#include <cmath>
#include <string>

#include "words.h"

namespace {

namespace words = corpusmill::words;

// Reads the arguments of one call in order; after the first wrong one an error is pending and `ok` is false.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function) : info_(info), function_(function) {}

  bool ok() const { return ok_; }

  // The data of a typed array with at least `least` entries.
  template <typename T>
  T* array(napi_typedarray_type type, size_t least, size_t* length = nullptr) {
    if (!ok_) return nullptr;
    const size_t index = next_++;
    const napi_value value = info_[index];
    bool is_array = false;
    napi_typedarray_type found;
    size_t entries = 0;
    void* data = nullptr;
    if (napi_is_typedarray(info_.Env(), value, &is_array) != napi_ok || !is_array ||
        napi_get_typedarray_info(info_.Env(), value, &found, &entries, &data, nullptr, nullptr) != napi_ok ||
        found != type) {
      return fail<T>(index, "is not the typed array that is wanted here");
    }
    if (entries < least) return fail<T>(index, "is too short");
    if (length != nullptr) *length = entries;
    return static_cast<T*>(data);
  }

  // An integer from 0 to `most`.
  size_t integer(double most) {
    if (!ok_) return 0;
    const size_t index = next_++;
    double number = -1;
    if (napi_get_value_double(info_.Env(), info_[index], &number) != napi_ok || !(number >= 0 && number <= most) ||
        std::floor(number) != number) {
      fail<int>(index, "is not an integer within its range");
      return 0;
    }
    return static_cast<size_t>(number);
  }

 private:
  template <typename T>
  T* fail(size_t index, const char* what) {
    ok_ = false;
    Napi::TypeError::New(info_.Env(), std::string(function_) + ": argument " + std::to_string(index + 1) + " " + what)
        .ThrowAsJavaScriptException();
    return nullptr;
  }

  const Napi::CallbackInfo& info_;
  const char* function_;
  size_t next_ = 0;
  bool ok_ = true;
};

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
