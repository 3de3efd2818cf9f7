// JavaScript's door to native/minhash.cc: checks arguments, then calls.

#include <napi.h>

#include <cmath>
#include <string>

#include "minhash.h"

namespace {

using corpusmill::minhash::Path;

// The data of a Uint32Array argument, or nothing with a pending TypeError.
struct Words {
  uint32_t* data = nullptr;
  size_t length = 0;
};

bool uint32_array(const Napi::CallbackInfo& info, size_t index, const char* name, Words* words) {
  const Napi::Env env = info.Env();
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    Napi::TypeError::New(env, std::string("minhashSignature: ") + name + " must be a Uint32Array")
        .ThrowAsJavaScriptException();
    return false;
  }
  void* data = nullptr;
  if (napi_get_typedarray_info(env, info[index], nullptr, &words->length, &data, nullptr, nullptr) != napi_ok) {
    Napi::TypeError::New(env, std::string("minhashSignature: ") + name + " could not be read")
        .ThrowAsJavaScriptException();
    return false;
  }
  words->data = static_cast<uint32_t*>(data);
  return true;
}

// An integer argument in [0, limit], or false with a pending error.
bool integer(const Napi::CallbackInfo& info, size_t index, const char* name, double limit, double* value) {
  const Napi::Env env = info.Env();
  if (!info[index].IsNumber()) {
    Napi::TypeError::New(env, std::string("minhashSignature: ") + name + " must be a number")
        .ThrowAsJavaScriptException();
    return false;
  }
  *value = info[index].As<Napi::Number>().DoubleValue();
  if (!(*value >= 0 && *value <= limit) || std::floor(*value) != *value) {
    Napi::RangeError::New(env, std::string("minhashSignature: ") + name + " must be an integer from 0 to " +
                                   std::to_string(static_cast<long long>(limit)))
        .ThrowAsJavaScriptException();
    return false;
  }
  return true;
}

// minhashSignature(hashes, count, multipliers, increments, signature, path?): void
Napi::Value Signature(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Words hashes, multipliers, increments, signature;
  double count = 0;
  double path = static_cast<double>(corpusmill::minhash::best_path());
  if (!uint32_array(info, 0, "hashes", &hashes) ||
      !integer(info, 1, "count", static_cast<double>(hashes.length), &count) ||
      !uint32_array(info, 2, "multipliers", &multipliers) || !uint32_array(info, 3, "increments", &increments) ||
      !uint32_array(info, 4, "signature", &signature)) {
    return env.Undefined();
  }
  if (!info[5].IsUndefined() && !integer(info, 5, "path", path, &path)) return env.Undefined();
  if (multipliers.length != signature.length || increments.length != signature.length) {
    Napi::RangeError::New(env, "minhashSignature: multipliers, increments and signature must have the same length")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  corpusmill::minhash::signature(hashes.data, static_cast<size_t>(count), multipliers.data, increments.data,
                                 signature.length, signature.data, static_cast<Path>(static_cast<int>(path)));
  return env.Undefined();
}

// bandKeys(signature, rows, keys): void
Napi::Value BandKeys(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Words signature, keys;
  double rows = 0;
  if (!uint32_array(info, 0, "signature", &signature) ||
      !integer(info, 1, "rows", static_cast<double>(signature.length), &rows) ||
      !uint32_array(info, 2, "keys", &keys)) {
    return env.Undefined();
  }
  const size_t bands = rows == 0 ? 0 : signature.length / static_cast<size_t>(rows);
  if (keys.length < 2 * bands) {
    Napi::RangeError::New(env, "bandKeys: keys must have room for two words of each band").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  corpusmill::minhash::band_keys(signature.data, bands, static_cast<size_t>(rows), keys.data);
  return env.Undefined();
}

// minhashPaths(): the instruction sets this processor can run, slowest first; an index into it is `path` above.
Napi::Value Paths(const Napi::CallbackInfo& info) {
  const int best = static_cast<int>(corpusmill::minhash::best_path());
  const Napi::Array names = Napi::Array::New(info.Env(), static_cast<size_t>(best) + 1);
  for (int path = 0; path <= best; path++) {
    names.Set(static_cast<uint32_t>(path), corpusmill::minhash::path_name(static_cast<Path>(path)));
  }
  return names;
}

}  // namespace

void RegisterMinhash(Napi::Env env, Napi::Object exports) {
  exports.Set("minhashSignature", Napi::Function::New(env, Signature, "minhashSignature"));
  exports.Set("bandKeys", Napi::Function::New(env, BandKeys, "bandKeys"));
  exports.Set("minhashPaths", Napi::Function::New(env, Paths, "minhashPaths"));
}
