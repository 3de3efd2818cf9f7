// JavaScript's door to native/suffix_array.cc: checks arguments, then calls.

#include <napi.h>

#include <cmath>
#include <string>

#include "suffix_array.h"

namespace {

// The largest text: a place and one more must fit an int32.
constexpr size_t kMost = 0x7ffffffe;

struct Letters {
  int32_t* data = nullptr;
  size_t length = 0;
};

Napi::Value fail(const Napi::Env env, const std::string& what) {
  Napi::TypeError::New(env, what).ThrowAsJavaScriptException();
  return env.Undefined();
}

// An Int32Array over memory of this thread alone: what another thread writes meanwhile could not be checked.
bool int32_array(const Napi::CallbackInfo& info, size_t index, Letters* letters) {
  const napi_value value = info[index];
  bool is_array = false;
  napi_typedarray_type type;
  void* data = nullptr;
  napi_value buffer;
  if (napi_is_typedarray(info.Env(), value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(info.Env(), value, &type, &letters->length, &data, &buffer, nullptr) != napi_ok ||
      type != napi_int32_array) {
    return false;
  }
  bool is_own = false;
  if (napi_is_arraybuffer(info.Env(), buffer, &is_own) != napi_ok || !is_own) return false;
  letters->data = static_cast<int32_t*>(data);
  return true;
}

bool overlap(const Letters& a, const Letters& b) {
  return a.length > 0 && b.length > 0 && a.data < b.data + b.length && b.data < a.data + a.length;
}

// suffixArray(text, alphabetSize, order): void
Napi::Value SuffixArray(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Letters text, order;
  double alphabet = 0;
  if (!int32_array(info, 0, &text)) return fail(env, "suffixArray: text must be an unshared Int32Array");
  if (napi_get_value_double(env, info[1], &alphabet) != napi_ok || !(alphabet >= 1 && alphabet <= 0x7fffffff) ||
      std::floor(alphabet) != alphabet) {
    return fail(env, "suffixArray: alphabetSize must be an integer from 1 to 2^31 - 1");
  }
  if (!int32_array(info, 2, &order)) return fail(env, "suffixArray: order must be an unshared Int32Array");
  if (text.length > kMost) return fail(env, "suffixArray: text must have fewer than 2^31 - 1 letters");
  if (order.length != text.length) return fail(env, "suffixArray: text and order must have the same length");
  if (overlap(text, order)) return fail(env, "suffixArray: text and order must not overlap");
  const int32_t letters = static_cast<int32_t>(alphabet);
  for (size_t i = 0; i < text.length; i++) {
    if (text.data[i] < 0 || text.data[i] >= letters) {
      return fail(env, "suffixArray: the letter at " + std::to_string(i) + " is not in the alphabet");
    }
  }
  if (!corpusmill::suffix_array::sort_suffixes(text.data, static_cast<int32_t>(text.length), letters, order.data)) {
    Napi::RangeError::New(env, "suffixArray: there is not enough memory").ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

// sharedPrefixes(text, order, shared): void
Napi::Value SharedPrefixes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Letters text, order, shared;
  if (!int32_array(info, 0, &text) || !int32_array(info, 1, &order) || !int32_array(info, 2, &shared)) {
    return fail(env, "sharedPrefixes: text, order and shared must be unshared Int32Arrays");
  }
  if (text.length > kMost) return fail(env, "sharedPrefixes: text must have fewer than 2^31 - 1 letters");
  if (order.length != text.length || shared.length != text.length) {
    return fail(env, "sharedPrefixes: text, order and shared must have the same length");
  }
  if (overlap(shared, text) || overlap(shared, order)) {
    return fail(env, "sharedPrefixes: shared must not overlap text or order");
  }
  for (size_t i = 0; i < order.length; i++) {
    if (order.data[i] < 0 || static_cast<size_t>(order.data[i]) >= text.length) {
      return fail(env, "sharedPrefixes: entry " + std::to_string(i) + " of order is no place in the text");
    }
  }
  corpusmill::suffix_array::shared_prefixes(text.data, order.data, static_cast<int32_t>(text.length), shared.data);
  return env.Undefined();
}

}  // namespace

void RegisterSuffixArray(Napi::Env env, Napi::Object exports) {
  exports.Set("suffixArray", Napi::Function::New(env, SuffixArray, "suffixArray"));
  exports.Set("sharedPrefixes", Napi::Function::New(env, SharedPrefixes, "sharedPrefixes"));
}
