// JavaScript's door to native/minhash61.cc: checks arguments, then calls.

#include <napi.h>

#include <cmath>
#include <string>

#include "minhash61.h"

namespace {

namespace minhash61 = corpusmill::minhash61;

constexpr double kMostWords = 1 << 16;

void fail(const Napi::CallbackInfo& info, const std::string& what) {
  Napi::TypeError::New(info.Env(), "minhash61: " + what).ThrowAsJavaScriptException();
}

// The data of a typed array, or false with a pending error.
template <typename T>
bool array(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type type, const char* name, T** data,
           size_t* length) {
  bool is_array = false;
  napi_typedarray_type found;
  void* found_data = nullptr;
  if (napi_is_typedarray(info.Env(), info[index], &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(info.Env(), info[index], &found, length, &found_data, nullptr, nullptr) != napi_ok ||
      found != type) {
    fail(info, std::string(name) + (type == napi_uint8_array ? " must be a Uint8Array" : " must be a BigUint64Array"));
    return false;
  }
  *data = static_cast<T*>(found_data);
  return true;
}

// An integer from `least` to `most`, or false with a pending error.
bool integer(const Napi::CallbackInfo& info, size_t index, const char* name, double least, double most,
             size_t* value) {
  double number = -1;
  if (napi_get_value_double(info.Env(), info[index], &number) != napi_ok || !(number >= least && number <= most) ||
      std::floor(number) != number) {
    fail(info, std::string(name) + " must be an integer from " + std::to_string(static_cast<long long>(least)) +
                   " to " + std::to_string(static_cast<long long>(most)));
    return false;
  }
  *value = static_cast<size_t>(number);
  return true;
}

// minhash61(bytes, length, window, function, bits, multipliers, increments, signature): number of windows
Napi::Value Signature(const Napi::CallbackInfo& info) {
  uint8_t* bytes = nullptr;
  uint64_t *multipliers = nullptr, *increments = nullptr, *signature = nullptr;
  size_t capacity = 0, length = 0, window = 0, function = 0, bits = 0;
  size_t functions = 0, added = 0, entries = 0;
  if (!array(info, 0, napi_uint8_array, "bytes", &bytes, &capacity) ||
      !integer(info, 1, "length", 0, static_cast<double>(capacity), &length) ||
      !integer(info, 2, "window", 1, kMostWords, &window) || !integer(info, 3, "function", 0, 1, &function) ||
      !integer(info, 4, "bits", 32, 64, &bits) ||
      !array(info, 5, napi_biguint64_array, "multipliers", &multipliers, &functions) ||
      !array(info, 6, napi_biguint64_array, "increments", &increments, &added) ||
      !array(info, 7, napi_biguint64_array, "signature", &signature, &entries)) {
    return info.Env().Undefined();
  }
  if (functions != entries || added != entries) {
    fail(info, "multipliers, increments and signature must have the same length");
    return info.Env().Undefined();
  }
  const size_t windows =
      minhash61::signature(bytes, length, window, static_cast<minhash61::HashFunction>(function),
                           static_cast<int>(bits), multipliers, increments, entries, signature);
  return Napi::Number::New(info.Env(), static_cast<double>(windows));
}

}  // namespace

void RegisterMinhash61(Napi::Env env, Napi::Object exports) {
  exports.Set("minhash61", Napi::Function::New(env, Signature, "minhash61"));
}
