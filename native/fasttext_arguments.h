// Reads the arguments of one call from JavaScript in order; after the first wrong one an error is pending and `ok` is false.
#pragma once

#include <napi.h>

#include <cmath>
#include <string>

namespace corpusmill::fasttext {

template <typename T>
struct Array {
  T* data = nullptr;
  size_t length = 0;
};

class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function) : info_(info), function_(function) {}

  bool ok() const { return ok_; }

  // A typed array over memory of this thread alone: what another thread writes meanwhile could not be checked.
  Array<uint8_t> bytes() { return array<uint8_t>(napi_uint8_array, "a Uint8Array"); }
  Array<int32_t> int32s() { return array<int32_t>(napi_int32_array, "an Int32Array"); }
  Array<uint32_t> uint32s() { return array<uint32_t>(napi_uint32_array, "a Uint32Array"); }
  Array<float> floats() { return array<float>(napi_float32_array, "a Float32Array"); }
  Array<double> doubles() { return array<double>(napi_float64_array, "a Float64Array"); }

  // An integer from `least` to `most`.
  size_t integer(double least, double most) {
    const double value = number();
    if (ok_ && !(value >= least && value <= most && std::floor(value) == value)) fail("is not an integer in its range");
    return ok_ ? static_cast<size_t>(value) : 0;
  }
  double number() {
    double value = 0;
    if (ok_ && napi_get_value_double(info_.Env(), info_[next_++], &value) != napi_ok) fail("is not a number");
    return value;
  }
  bool boolean() {
    bool value = false;
    if (ok_ && napi_get_value_bool(info_.Env(), info_[next_++], &value) != napi_ok) fail("is not a boolean");
    return value;
  }
  // The length of a string in UTF-16 units; `write` then gives its UTF-8 bytes, at most three for each unit and one more.
  size_t string() {
    size_t length = 0;
    if (ok_ && napi_get_value_string_utf16(info_.Env(), info_[next_++], nullptr, 0, &length) != napi_ok) {
      fail("is not a string");
    }
    return length;
  }
  size_t write(size_t index, uint8_t* out, size_t capacity) {
    size_t written = 0;
    napi_get_value_string_utf8(info_.Env(), info_[index], reinterpret_cast<char*>(out), capacity, &written);
    return written;
  }

  // Wants what has been read to fit together.
  void expect(bool holds, const char* what) {
    if (ok_ && !holds) fail_with(what);
  }

 private:
  template <typename T>
  Array<T> array(napi_typedarray_type type, const char* name) {
    Array<T> array;
    if (!ok_) return array;
    const napi_value value = info_[next_++];
    bool is_array = false, is_own = false;
    napi_typedarray_type found;
    napi_value buffer;
    void* data = nullptr;
    if (napi_is_typedarray(info_.Env(), value, &is_array) != napi_ok || !is_array ||
        napi_get_typedarray_info(info_.Env(), value, &found, &array.length, &data, &buffer, nullptr) != napi_ok ||
        found != type || napi_is_arraybuffer(info_.Env(), buffer, &is_own) != napi_ok || !is_own) {
      array.length = 0;
      fail((std::string("is not ") + name + " of this thread").c_str());
      return array;
    }
    array.data = static_cast<T*>(data);
    return array;
  }

  void fail(const char* what) { fail_with(("argument " + std::to_string(next_) + " " + what).c_str()); }
  void fail_with(const char* what) {
    ok_ = false;
    Napi::TypeError::New(info_.Env(), std::string(function_) + ": " + what).ThrowAsJavaScriptException();
  }

  const Napi::CallbackInfo& info_;
  const char* function_;
  size_t next_ = 0;
  bool ok_ = true;
};

// What a kernel that found no memory becomes.
inline Napi::Value no_memory(const Napi::CallbackInfo& info, const char* function) {
  Napi::RangeError::New(info.Env(), std::string(function) + ": there is not enough memory").ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

// Whether starts run from 0 up to at most `end`, never back, all whole numbers.
inline bool is_ascending(const Array<double>& starts, size_t end) {
  if (starts.length == 0 || starts.data[0] != 0) return false;
  for (size_t i = 1; i < starts.length; i++) {
    const double value = starts.data[i];
    if (!(value >= starts.data[i - 1] && value <= static_cast<double>(end)) || std::floor(value) != value) return false;
  }
  return true;
}

template <typename T>
bool all_below(const T* values, size_t count, size_t least, size_t limit) {
  for (size_t i = 0; i < count; i++) {
    const auto value = static_cast<int64_t>(values[i]);
    if (value < static_cast<int64_t>(least) || value >= static_cast<int64_t>(limit)) return false;
  }
  return true;
}

}  // namespace corpusmill::fasttext
