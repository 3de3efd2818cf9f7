// JavaScript's door to native/bpe_encode.cc: `BpeEncoder`, one for each tokenizer and thread. Its ids gather in memory of its
// own until `take` hands them over.

#include <napi.h>

#include <cstring>
#include <memory>

#include "arguments.h"
#include "bpe_encode.h"
#include "room.h"
#include "unicode_class.h"
#include "utf8.h"

namespace {

using corpusmill::Arguments;
namespace bpe = corpusmill::bpe;
namespace utf8 = corpusmill::utf8;

// What calls give back when they did not encode a text; src/tokenizer/id-writer-native.ts knows them, too.
constexpr double kUnstable = -1;
constexpr double kNoMemory = -2;
constexpr double kMissingByte = -256;  // less the byte
constexpr double kMalformed = -1024;   // less the offset of the first byte that is no UTF-8

class BpeEncoder : public Napi::ObjectWrap<BpeEncoder> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "BpeEncoder",
                       {InstanceMethod<&BpeEncoder::AppendText>("appendText"),
                        InstanceMethod<&BpeEncoder::AppendColumn>("appendColumn"),
                        InstanceMethod<&BpeEncoder::AppendId>("appendId"),
                        InstanceMethod<&BpeEncoder::Reason>("reason"),
                        InstanceMethod<&BpeEncoder::Size>("size"), InstanceMethod<&BpeEncoder::Clear>("clear"),
                        InstanceMethod<&BpeEncoder::Take>("take")});
  }

  // new BpeEncoder(lefts, rights, products, tokenBytes, tokenStarts, byteIds, wholes | undefined, pattern)
  explicit BpeEncoder(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BpeEncoder>(info) {
    Arguments arguments(info, "BpeEncoder");
    bpe::Vocabulary vocabulary{};
    size_t starts = 0;
    size_t bytes = 0;
    vocabulary.lefts = arguments.own_array<int32_t>(napi_int32_array, 0, &vocabulary.merges);
    vocabulary.rights = arguments.own_array<int32_t>(napi_int32_array, vocabulary.merges);
    vocabulary.products = arguments.own_array<int32_t>(napi_int32_array, vocabulary.merges);
    vocabulary.bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &bytes);
    vocabulary.starts = arguments.own_array<uint32_t>(napi_uint32_array, 1, &starts);
    if (!arguments.ok()) return;
    vocabulary.tokens = starts - 1;
    bool fits = vocabulary.starts[0] == 0 && vocabulary.starts[vocabulary.tokens] <= bytes;
    for (size_t i = 0; i < vocabulary.tokens; i++) fits = fits && vocabulary.starts[i] <= vocabulary.starts[i + 1];
    if (!fits) {
      arguments.fail("does not cut the bytes into tokens");
      return;
    }
    const auto is_id = [&](int32_t id) { return id >= 0 && static_cast<size_t>(id) < vocabulary.tokens; };
    for (size_t i = 0; i < vocabulary.merges; i++) {
      fits = fits && is_id(vocabulary.lefts[i]) && is_id(vocabulary.rights[i]) && is_id(vocabulary.products[i]);
    }
    vocabulary.byte_ids = arguments.own_array<int32_t>(napi_int32_array, 256);
    if (!arguments.ok()) return;
    for (size_t i = 0; i < 256; i++) fits = fits && (vocabulary.byte_ids[i] == -1 || is_id(vocabulary.byte_ids[i]));
    if (!fits) {
      arguments.fail("or a merge has an id that is no token's");
      return;
    }
    if (info[6].IsUndefined()) {
      arguments.next();
    } else {
      vocabulary.wholes = arguments.own_array<uint8_t>(napi_uint8_array, vocabulary.tokens);
    }
    const size_t pattern = arguments.integer(bpe::kPatterns - 1);
    if (!arguments.ok()) return;
    if (!corpusmill::unicode::has_classes()) {
      Napi::Error::New(info.Env(), "BpeEncoder: unicodeClasses was not called").ThrowAsJavaScriptException();
      return;
    }
    encoder_ = std::make_unique<bpe::Encoder>(bpe::shared_model(vocabulary), static_cast<bpe::Pattern>(pattern));
  }

 private:
  // appendText(text, keepUnstable): ids so far, or why the text has none. Without `keepUnstable` a text that may not be NFC is
  // left alone.
  Napi::Value AppendText(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    size_t units = 0;
    if (napi_get_value_string_utf16(env, info[0], nullptr, 0, &units) != napi_ok) {
      Napi::TypeError::New(env, "appendText: argument 1 is not a string").ThrowAsJavaScriptException();
      return env.Undefined();
    }
    if (units * 3 > bpe::kMostBytes) return code(env, kNoMemory);
    char16_t* const from = units_.of(units + 1);
    uint8_t* const to = bytes_.of(units * 3 + bpe::kPadding);
    if (from == nullptr || to == nullptr) return code(env, kNoMemory);
    napi_get_value_string_utf16(env, info[0], from, units + 1, &units);
    const utf8::Text text = utf8::from_utf16(reinterpret_cast<const uint16_t*>(from), units, to);
    if (!text.is_stable && !info[1].ToBoolean().Value()) return code(env, kUnstable);
    return code(env, encode(to, text.length));
  }

  // appendColumn(bytes, offsets, first, keepUnstable, before, after, ends): the texts of an Arrow column of strings from number
  // `first` on, each between two ids (-1: none); where each ends among the ids so far goes into `ends`. Gives back the number
  // of the first text that was not appended: all, or one that has no ids, and `reason` says why.
  Napi::Value AppendColumn(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "appendColumn");
    size_t length = 0;
    size_t borders = 0;
    const uint8_t* bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &length);
    const int32_t* offsets = arguments.array<int32_t>(napi_int32_array, 1, &borders);
    const size_t texts = borders == 0 ? 0 : borders - 1;
    size_t text = arguments.integer(static_cast<double>(texts));
    const bool keep_unstable = arguments.integer(1) == 1;
    const double before = arguments.number();
    const double after = arguments.number();
    uint32_t* ends = arguments.array<uint32_t>(napi_uint32_array, texts);
    if (!arguments.ok()) return info.Env().Undefined();
    for (; text < texts; text++) {
      reason_ = append_bytes(bytes, length, offsets[text], offsets[text + 1], keep_unstable, before, after);
      if (reason_ < 0) break;
      ends[text] = static_cast<uint32_t>(ids_.size());
    }
    return Napi::Number::New(info.Env(), static_cast<double>(text));
  }

  double append_bytes(const uint8_t* bytes, size_t length, int32_t start, int32_t end, bool keep_unstable, double before,
                      double after) {
    if (start < 0 || end < start || static_cast<size_t>(end) > length) return kMalformed;
    const auto size = static_cast<size_t>(end - start);
    // A copy: what was checked stays so, and there is padding behind it.
    uint8_t* const to = bytes_.of(size + bpe::kPadding);
    if (to == nullptr) return kNoMemory;
    std::memcpy(to, bytes + start, size);
    const utf8::Text checked = utf8::check(to, size);
    if (checked.length != size) return kMalformed - static_cast<double>(checked.length);
    if (!checked.is_stable && !keep_unstable) return kUnstable;
    if (before >= 0 && !append_id(before)) return kNoMemory;
    const double result = encode(to, size);
    if (result >= 0 && after >= 0 && !append_id(after)) return kNoMemory;
    return result;
  }

  // appendId(id)
  Napi::Value AppendId(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "appendId");
    const size_t id = arguments.integer(UINT32_MAX);
    if (arguments.ok() && !append_id(static_cast<double>(id))) arguments.fail("finds no memory");
    return info.Env().Undefined();
  }

  bool append_id(double id) {
    if (!ids_.reserve(1)) return false;
    *ids_.end() = static_cast<uint32_t>(id);
    ids_.set_end(ids_.end() + 1);
    return true;
  }

  Napi::Value Reason(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), reason_); }

  Napi::Value Size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(ids_.size()));
  }

  Napi::Value Clear(const Napi::CallbackInfo& info) {
    ids_.clear();
    return info.Env().Undefined();
  }

  // take(out, at): moves all ids into `out`, a Uint32Array, or a Uint16Array of a vocabulary whose ids fit.
  Napi::Value Take(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "take");
    const size_t count = ids_.size();
    napi_typedarray_type type = napi_uint32_array;
    if (info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array) {
      type = napi_uint16_array;
    }
    size_t room = 0;
    void* const out = arguments.array<uint8_t>(type, count, &room);
    const size_t at = arguments.integer(static_cast<double>(room));
    if (arguments.ok() && count > room - at) arguments.fail("leaves no room for the ids");
    if (!arguments.ok()) return info.Env().Undefined();
    if (type == napi_uint32_array) {
      if (count > 0) std::memcpy(static_cast<uint32_t*>(out) + at, ids_.data(), count * sizeof(uint32_t));
    } else {
      auto* const narrow = static_cast<uint16_t*>(out) + at;
      for (size_t i = 0; i < count; i++) narrow[i] = static_cast<uint16_t>(ids_.data()[i]);
    }
    ids_.clear();
    return info.Env().Undefined();
  }

  // Ids so far, or why there are none of this text, of which nothing then stays.
  double encode(const uint8_t* bytes, size_t length) {
    const size_t had = ids_.size();
    const int result = encoder_->encode(bytes, length, ids_);
    if (result == -1 && ids_.size() <= UINT32_MAX) return static_cast<double>(ids_.size());
    ids_.set_end(ids_.data() + had);
    return result >= 0 ? kMissingByte - result : kNoMemory;
  }

  static Napi::Value code(Napi::Env env, double value) { return Napi::Number::New(env, value); }

  std::unique_ptr<bpe::Encoder> encoder_;
  bpe::Ids ids_;
  corpusmill::Room<char16_t> units_;
  corpusmill::Room<uint8_t> bytes_;
  double reason_ = 0;
};

}  // namespace

void RegisterBpeEncode(Napi::Env env, Napi::Object exports) { exports.Set("BpeEncoder", BpeEncoder::define(env)); }
