// JavaScript's door to folded_tokens.cc, shingles.cc, minhash.cc and text_key.cc where they work on a whole text: each
// thread holds the tokens of the text that it read last, in memory that JavaScript never sees, so that several observers
// read a text once and a call hands over two or three values.

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "folded_tokens.h"
#include "minhash.h"
#include "shingles.h"
#include "text_key.h"
#include "thread_text.h"
#include "utf8.h"

namespace {

namespace folded_tokens = corpusmill::folded_tokens;
namespace minhash = corpusmill::minhash;
namespace shingles = corpusmill::shingles;
namespace text_key = corpusmill::text_key;
namespace utf8 = corpusmill::utf8;

using corpusmill::ThreadText;
using corpusmill::thread_text;

Napi::Value fail(const Napi::CallbackInfo& info, const std::string& what) {
  Napi::TypeError::New(info.Env(), what).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

Napi::Value no_memory(const Napi::CallbackInfo& info) {
  Napi::Error::New(info.Env(), "there is no memory for a text").ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

template <typename T>
struct Array {
  T* data = nullptr;
  size_t length = 0;
};

template <typename T, napi_typedarray_type type>
bool array(const Napi::CallbackInfo& info, size_t index, Array<T>* array) {
  const napi_value value = info[index];
  bool is_array = false;
  napi_typedarray_type found;
  void* data = nullptr;
  if (napi_is_typedarray(info.Env(), value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(info.Env(), value, &found, &array->length, &data, nullptr, nullptr) != napi_ok ||
      found != type) {
    return false;
  }
  array->data = static_cast<T*>(data);
  return true;
}

bool int32_array(const Napi::CallbackInfo& info, size_t index, Array<int32_t>* words) {
  return array<int32_t, napi_int32_array>(info, index, words);
}

bool uint32_array(const Napi::CallbackInfo& info, size_t index, Array<uint32_t>* words) {
  return array<uint32_t, napi_uint32_array>(info, index, words);
}

// An integer from `least` to `most`.
bool integer(const Napi::CallbackInfo& info, size_t index, double least, double most, double* value) {
  return napi_get_value_double(info.Env(), info[index], value) == napi_ok && *value >= least && *value <= most &&
         std::floor(*value) == *value;
}

constexpr double kMostShingleTokens = 1 << 20;

// A string's units, with room for `padding` behind them. Null with a pending error.
uint16_t* units_of(const Napi::CallbackInfo& info, const char* function, size_t padding, size_t* length) {
  if (napi_get_value_string_utf16(info.Env(), info[0], nullptr, 0, length) != napi_ok) {
    fail(info, std::string(function) + ": the text must be a string");
    return nullptr;
  }
  uint16_t* const units = thread_text().units.of(*length + padding + 1);
  if (units == nullptr) {
    no_memory(info);
    return nullptr;
  }
  napi_get_value_string_utf16(info.Env(), info[0], reinterpret_cast<char16_t*>(units), *length + 1, length);
  return units;
}

// foldUnits(first, entries): void
Napi::Value FoldUnits(const Napi::CallbackInfo& info) {
  double first = 0;
  Array<int32_t> entries;
  if (!integer(info, 0, 0, folded_tokens::kUnits, &first) || !int32_array(info, 1, &entries) ||
      entries.length > folded_tokens::kUnits - static_cast<size_t>(first)) {
    return fail(info, "foldUnits: wants the first of 65536 units, and the entries of some in an Int32Array");
  }
  folded_tokens::set_units(static_cast<size_t>(first), entries.data, entries.length);
  return info.Env().Undefined();
}

// foldPair(codePoint, entry): void
Napi::Value FoldPair(const Napi::CallbackInfo& info) {
  double code_point = 0, entry = 0;
  if (!integer(info, 0, 0x10000, 0x10ffff, &code_point)) {
    return fail(info, "foldPair: the code point must be an integer from 0x10000 to 0x10ffff");
  }
  if (!integer(info, 1, -0x110000, 0x110000, &entry) || entry == 0) {
    return fail(info, "foldPair: the entry must be an integer from -0x110000 to 0x110000, and not 0");
  }
  folded_tokens::set_pair(static_cast<uint32_t>(code_point), static_cast<int32_t>(entry));
  return info.Env().Undefined();
}

// foldText(text): number
Napi::Value FoldText(const Napi::CallbackInfo& info) {
  ThreadText& text = thread_text();
  text.token_count = 0;
  size_t length = 0;
  uint16_t* const units = units_of(info, "foldText", folded_tokens::kPadding, &length);
  if (units == nullptr) return info.Env().Undefined();
  uint32_t* const tokens = text.tokens.of(length + 1);
  if (tokens == nullptr) return no_memory(info);
  const int64_t count = folded_tokens::fold(units, length, tokens);
  if (count > 0) text.token_count = static_cast<size_t>(count);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

// The bytes [start, end) of a Uint8Array, which are the first three arguments.
bool utf8_span(const Napi::CallbackInfo& info, Array<uint8_t>* span) {
  Array<uint8_t> bytes;
  double start = 0, end = 0;
  if (!array<uint8_t, napi_uint8_array>(info, 0, &bytes) ||
      !integer(info, 2, 0, static_cast<double>(bytes.length), &end) || !integer(info, 1, 0, end, &start)) {
    return false;
  }
  span->data = bytes.data + static_cast<size_t>(start);
  span->length = static_cast<size_t>(end - start);
  return true;
}

// foldUtf8(bytes, start, end): number
Napi::Value FoldUtf8(const Napi::CallbackInfo& info) {
  ThreadText& text = thread_text();
  text.token_count = 0;
  Array<uint8_t> span;
  if (!utf8_span(info, &span)) return fail(info, "foldUtf8: wants a Uint8Array and where a text begins and ends in it");
  uint16_t* const units = text.units.of(span.length + folded_tokens::kPadding);
  uint32_t* const tokens = text.tokens.of(span.length + 1);
  if (units == nullptr || tokens == nullptr) return no_memory(info);
  const int64_t count = folded_tokens::fold(units, utf8::to_utf16(span.data, span.length, units), tokens);
  if (count > 0) text.token_count = static_cast<size_t>(count);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

// foldedTokens(tokens): void
Napi::Value FoldedTokens(const Napi::CallbackInfo& info) {
  const ThreadText& text = thread_text();
  Array<int32_t> out;
  if (!int32_array(info, 0, &out) || out.length < text.token_count) {
    return fail(info, "foldedTokens: must be an Int32Array with room for every token");
  }
  for (size_t i = 0; i < text.token_count; i++) out.data[i] = static_cast<int32_t>(text.tokens.data()[i]);
  return info.Env().Undefined();
}

// shingleText(size, hashes): number
Napi::Value ShingleText(const Napi::CallbackInfo& info) {
  const ThreadText& text = thread_text();
  double size = 0;
  Array<uint32_t> hashes;
  if (!integer(info, 0, 1, kMostShingleTokens, &size)) {
    return fail(info, "shingleText: the size must be an integer from 1 to 1048576");
  }
  if (!uint32_array(info, 1, &hashes) || hashes.length < text.token_count) {
    return fail(info, "shingleText: hashes must be a Uint32Array with room for as many as there are tokens");
  }
  const size_t count =
      shingles::shingle(text.tokens.data(), text.token_count, static_cast<size_t>(size), hashes.data);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

// The shingle hashes of this thread's text, in its own memory; null when there is none.
uint32_t* own_shingles(size_t size, size_t* count) {
  ThreadText& text = thread_text();
  uint32_t* const hashes = text.shingles.of(text.token_count);
  if (hashes != nullptr) *count = shingles::shingle(text.tokens.data(), text.token_count, size, hashes);
  return hashes;
}

void write_key(const uint8_t* bytes, size_t length, uint32_t* row) {
  uint64_t hashes[2];
  text_key::xxh64_twice(bytes, length, text_key::kSeeds, hashes);
  for (size_t word = 0; word < 4; word++) row[word] = static_cast<uint32_t>(hashes[word / 2] >> (32 * (word % 2)));
}

// textKey(text, row): void
Napi::Value TextKey(const Napi::CallbackInfo& info) {
  Array<uint32_t> row;
  if (!uint32_array(info, 1, &row) || row.length < 4) {
    return fail(info, "textKey: the row must be a Uint32Array of 4 entries or more");
  }
  size_t length = 0;
  const uint16_t* const units = units_of(info, "textKey", 0, &length);
  if (units == nullptr) return info.Env().Undefined();
  uint8_t* const bytes = thread_text().bytes.of(3 * length + 16);
  if (bytes == nullptr) return no_memory(info);
  write_key(bytes, utf8::write_utf16(units, length, bytes), row.data);
  return info.Env().Undefined();
}

// textKeyUtf8(bytes, start, end, row): void
Napi::Value TextKeyUtf8(const Napi::CallbackInfo& info) {
  Array<uint8_t> span;
  Array<uint32_t> row;
  if (!utf8_span(info, &span) || !uint32_array(info, 3, &row) || row.length < 4) {
    return fail(info, "textKeyUtf8: wants a Uint8Array, where a text begins and ends in it, and a row of 4 entries or more");
  }
  write_key(span.data, span.length, row.data);
  return info.Env().Undefined();
}

// new TextSigner(shingleTokens, multipliers, increments)
class TextSigner : public Napi::ObjectWrap<TextSigner> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "TextSigner", {InstanceMethod<&TextSigner::Sign>("sign")});
  }

  explicit TextSigner(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TextSigner>(info) {
    double size = 0;
    Array<uint32_t> multipliers, increments;
    if (!integer(info, 0, 1, kMostShingleTokens, &size) || !uint32_array(info, 1, &multipliers) ||
        !uint32_array(info, 2, &increments) || increments.length != multipliers.length) {
      fail(info, "TextSigner: wants tokens per shingle, and multipliers and increments in two Uint32Arrays of one length");
      return;
    }
    shingle_tokens_ = static_cast<size_t>(size);
    multipliers_.assign(multipliers.data, multipliers.data + multipliers.length);
    increments_.assign(increments.data, increments.data + increments.length);
  }

 private:
  // sign(signature): number
  Napi::Value Sign(const Napi::CallbackInfo& info) {
    Array<uint32_t> signature;
    if (!uint32_array(info, 0, &signature) || signature.length != multipliers_.size()) {
      return fail(info, "sign: the signature must be a Uint32Array with an entry for each multiplier");
    }
    size_t count = 0;
    const uint32_t* const hashes = own_shingles(shingle_tokens_, &count);
    if (hashes == nullptr) return no_memory(info);
    minhash::signature(hashes, count, multipliers_.data(), increments_.data(), signature.length, signature.data, path_);
    return Napi::Number::New(info.Env(), static_cast<double>(count));
  }

  size_t shingle_tokens_ = 1;
  std::vector<uint32_t> multipliers_, increments_;
  const minhash::Path path_ = minhash::best_path();
};

// new OpenSet()
class OpenSet : public Napi::ObjectWrap<OpenSet> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "OpenSet",
                       {InstanceMethod<&OpenSet::Open>("open"), InstanceMethod<&OpenSet::OpenText>("openText"),
                        InstanceMethod<&OpenSet::Values>("values"), InstanceMethod<&OpenSet::Shared>("shared")});
  }

  explicit OpenSet(const Napi::CallbackInfo& info) : Napi::ObjectWrap<OpenSet>(info) {}

 private:
  Napi::Value opened(const Napi::CallbackInfo& info, const uint32_t* hashes, size_t count) {
    if (!set_.open(hashes, count)) return no_memory(info);
    return Napi::Number::New(info.Env(), static_cast<double>(set_.size()));
  }

  // open(hashes, count): number
  Napi::Value Open(const Napi::CallbackInfo& info) {
    Array<uint32_t> hashes;
    double count = 0;
    if (!uint32_array(info, 0, &hashes) || !integer(info, 1, 0, static_cast<double>(hashes.length), &count)) {
      return fail(info, "open: wants a Uint32Array and a number of its entries");
    }
    return opened(info, hashes.data, static_cast<size_t>(count));
  }

  // openText(shingleTokens): number
  Napi::Value OpenText(const Napi::CallbackInfo& info) {
    double size = 0;
    if (!integer(info, 0, 1, kMostShingleTokens, &size)) {
      return fail(info, "openText: tokens per shingle must be an integer from 1 to 1048576");
    }
    size_t count = 0;
    const uint32_t* const hashes = own_shingles(static_cast<size_t>(size), &count);
    if (hashes == nullptr) return no_memory(info);
    return opened(info, hashes, count);
  }

  // values(out, at): void
  Napi::Value Values(const Napi::CallbackInfo& info) {
    Array<uint32_t> out;
    double at = 0;
    if (!uint32_array(info, 0, &out) || out.length < set_.size() ||
        !integer(info, 1, 0, static_cast<double>(out.length - set_.size()), &at)) {
      return fail(info, "values: wants a Uint32Array with room for the whole set behind a place in it");
    }
    std::copy_n(set_.values(), set_.size(), out.data + static_cast<size_t>(at));
    return info.Env().Undefined();
  }

  // shared(values): number
  Napi::Value Shared(const Napi::CallbackInfo& info) {
    Array<uint32_t> values;
    if (!uint32_array(info, 0, &values)) return fail(info, "shared: wants a Uint32Array");
    return Napi::Number::New(info.Env(), static_cast<double>(set_.shared(values.data, values.length)));
  }

  shingles::HashSet set_;
};

}  // namespace

void RegisterThreadText(Napi::Env env, Napi::Object exports) {
  exports.Set("foldUnits", Napi::Function::New(env, FoldUnits, "foldUnits"));
  exports.Set("foldPair", Napi::Function::New(env, FoldPair, "foldPair"));
  exports.Set("foldText", Napi::Function::New(env, FoldText, "foldText"));
  exports.Set("foldUtf8", Napi::Function::New(env, FoldUtf8, "foldUtf8"));
  exports.Set("foldedTokens", Napi::Function::New(env, FoldedTokens, "foldedTokens"));
  exports.Set("shingleText", Napi::Function::New(env, ShingleText, "shingleText"));
  exports.Set("textKey", Napi::Function::New(env, TextKey, "textKey"));
  exports.Set("textKeyUtf8", Napi::Function::New(env, TextKeyUtf8, "textKeyUtf8"));
  exports.Set("TextSigner", TextSigner::Define(env));
  exports.Set("OpenSet", OpenSet::Define(env));
}
