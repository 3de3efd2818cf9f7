// JavaScript's door to native/bpe_json.cc.

#include <napi.h>

#include <algorithm>
#include <vector>

#include "arguments.h"
#include "bpe_json.h"
#include "unicode_class.h"

namespace {

using corpusmill::Arguments;
namespace bpe = corpusmill::bpe;

template <typename T>
Napi::TypedArrayOf<T> array_of(Napi::Env env, const std::vector<T>& values) {
  auto array = Napi::TypedArrayOf<T>::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// bpeJsonPlaces(bytes, places): where `model.vocab` and `model.merges` begin and end goes into the four `places`; whether both
// were found.
Napi::Value BpeJsonPlaces(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "bpeJsonPlaces");
  size_t length = 0;
  const auto* const bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &length);
  auto* const places = arguments.own_array<uint32_t>(napi_uint32_array, 4);
  if (!arguments.ok()) return info.Env().Undefined();
  bpe::ModelPlaces found;
  if (!bpe::find_model(bytes, length, found)) return Napi::Boolean::New(info.Env(), false);
  const size_t values[] = {found.vocab, found.vocab_end, found.merges, found.merges_end};
  for (size_t i = 0; i < 4; i++) places[i] = static_cast<uint32_t>(values[i]);
  return Napi::Boolean::New(info.Env(), true);
}

// readBpeJson(bytes, places): the tables, or undefined where they are left to JavaScript.
Napi::Value ReadBpeJson(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, "readBpeJson");
  size_t length = 0;
  const auto* const bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &length);
  const auto* const given = arguments.own_array<uint32_t>(napi_uint32_array, 4);
  if (!arguments.ok()) return env.Undefined();
  const bpe::ModelPlaces places{given[0], given[1], given[2], given[3]};
  if (places.vocab > places.vocab_end || places.vocab_end > length || places.merges > places.merges_end ||
      places.merges_end > length) {
    arguments.fail("lies outside of the bytes");
    return env.Undefined();
  }
  if (!corpusmill::unicode::has_classes()) {
    Napi::Error::New(env, "readBpeJson: unicodeClasses was not called").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  bpe::ModelTables tables;
  if (!bpe::read_model(bytes, places, tables)) return env.Undefined();
  const Napi::Object result = Napi::Object::New(env);
  result.Set("bytes", array_of(env, tables.bytes));
  result.Set("starts", array_of(env, tables.starts));
  result.Set("lefts", array_of(env, tables.lefts));
  result.Set("rights", array_of(env, tables.rights));
  result.Set("products", array_of(env, tables.products));
  result.Set("outside", array_of(env, tables.outside));
  return result;
}

}  // namespace

void RegisterBpeJson(Napi::Env env, Napi::Object exports) {
  exports.Set("bpeJsonPlaces", Napi::Function::New(env, BpeJsonPlaces));
  exports.Set("readBpeJson", Napi::Function::New(env, ReadBpeJson));
}
