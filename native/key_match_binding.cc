// JavaScript's door to native/key_match.cc: checks arguments, then calls.

#include <napi.h>

#include "arguments.h"
#include "key_match.h"

namespace {

namespace keys = corpusmill::keys;
using corpusmill::Arguments;

constexpr double kMost32 = 0xffffffff;
constexpr unsigned kMaxPrefixBits = 20;

// Three arguments: columns, the set of rows that count (or undefined), the id of the first row.
bool block_of(const Napi::CallbackInfo& info, Arguments& arguments, size_t words, size_t at, keys::Block* block) {
  for (size_t k = 0; k < words; k++) {
    size_t rows = 0;
    block->columns[k] = arguments.array_in<uint32_t>(k, napi_uint32_array, &rows);
    if (!arguments.ok()) break;
    if (k == 0) block->rows = rows;
    else if (rows != block->rows) arguments.fail("has columns of different lengths");
  }
  arguments.next();
  size_t set_words = 0;
  const bool is_set = !info[at + 1].IsUndefined();
  block->set = nullptr;
  if (is_set) block->set = arguments.own_array<uint32_t>(napi_uint32_array, 0, &set_words);
  else arguments.next();
  block->first_id = static_cast<uint32_t>(arguments.integer(kMost32));
  if (!arguments.ok()) return false;
  const size_t end = size_t{block->first_id} + block->rows;
  if (end > size_t{1} << 32) arguments.fail("leaves rows without a 32-bit id");
  if (is_set && set_words < (end + 31) / 32) arguments.fail("goes past the set of rows");
  return arguments.ok();
}

// new KeyMatcher(words)
class KeyMatcher : public Napi::ObjectWrap<KeyMatcher> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "KeyMatcher",
                       {InstanceMethod<&KeyMatcher::Count>("count"), InstanceMethod<&KeyMatcher::Begin>("begin"),
                        InstanceMethod<&KeyMatcher::Add>("add"), InstanceMethod<&KeyMatcher::IsFilled>("isFilled"),
                        InstanceMethod<&KeyMatcher::Match>("match"), InstanceMethod<&KeyMatcher::Free>("free")});
  }

  explicit KeyMatcher(const Napi::CallbackInfo& info) : Napi::ObjectWrap<KeyMatcher>(info) {
    Arguments arguments(info, "KeyMatcher");
    words_ = arguments.integer(4);
    if (arguments.ok() && words_ != 2 && words_ != 4) arguments.fail("is neither 2 nor 4");
    if (arguments.ok()) matcher_ = std::make_unique<keys::Matcher>(words_);
  }

  ~KeyMatcher() override { release(Env()); }

 private:
  // count(columns, rows, firstId, shift, sizes): void
  void Count(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "count");
    keys::Block block;
    if (!block_of(info, arguments, 1, 0, &block)) return;
    const unsigned shift = shift_of(arguments);
    uint32_t* const sizes = arguments.own_array<uint32_t>(napi_uint32_array, size_t{1} << (32 - shift));
    if (arguments.ok()) keys::count_prefixes(block, shift, sizes);
  }

  // begin(sizes, from, to, shift): void
  void Begin(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "begin");
    size_t prefixes = 0;
    const uint32_t* const sizes = arguments.own_array<uint32_t>(napi_uint32_array, 0, &prefixes);
    const size_t from = arguments.integer(static_cast<double>(prefixes));
    const size_t to = arguments.integer(static_cast<double>(prefixes));
    if (arguments.ok() && to < from) arguments.fail("is less than `from`");
    const unsigned shift = shift_of(arguments);
    if (!arguments.ok()) return;
    size_t records = 0;
    for (size_t i = from; i < to; i++) records += sizes[i];
    if (records >= kMost32) {
      Napi::RangeError::New(info.Env(), "begin: 2^32 records and more have no place").ThrowAsJavaScriptException();
      return;
    }
    if (matcher_ == nullptr) matcher_ = std::make_unique<keys::Matcher>(words_);
    const bool is_ready = matcher_->begin(sizes + from, from, to - from, shift);
    account(info.Env());
    if (is_ready) return;
    release(info.Env());
    Napi::RangeError::New(info.Env(), "begin: there is not enough memory").ThrowAsJavaScriptException();
  }

  // add(columns, rows, firstId): boolean; false: more records than `begin` was told of
  Napi::Value Add(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "add");
    keys::Block block;
    if (!block_of(info, arguments, words_, 0, &block) || !is_begun(info)) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), matcher_->add(block));
  }

  // isFilled(): boolean
  Napi::Value IsFilled(const Napi::CallbackInfo& info) {
    if (!is_begun(info)) return info.Env().Undefined();
    return Napi::Boolean::New(info.Env(), matcher_->is_filled());
  }

  // match(form, out): number of words written; below 0: how many the next group needs
  Napi::Value Match(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "match");
    const size_t form = arguments.integer(1);
    size_t room = 0, needed = 0;
    uint32_t* const out = arguments.own_array<uint32_t>(napi_uint32_array, 3, &room);
    if (!arguments.ok() || !is_begun(info)) return info.Env().Undefined();
    if (!matcher_->is_filled()) {
      Napi::Error::New(info.Env(), "match: there are fewer records than were counted").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    const size_t written = matcher_->match(static_cast<keys::Form>(form), out, room, &needed);
    return Napi::Number::New(info.Env(), needed > 0 ? -static_cast<double>(needed) : static_cast<double>(written));
  }

  // free(): void; gives all memory back
  void Free(const Napi::CallbackInfo& info) { release(info.Env()); }

  static unsigned shift_of(Arguments& arguments) {
    const size_t shift = arguments.integer(31);
    if (arguments.ok() && shift < 32 - kMaxPrefixBits) arguments.fail("leaves too many prefixes");
    return static_cast<unsigned>(shift);
  }

  bool is_begun(const Napi::CallbackInfo& info) {
    if (matcher_ != nullptr) return true;
    Napi::Error::New(info.Env(), "this matcher has not begun").ThrowAsJavaScriptException();
    return false;
  }

  void account(Napi::Env env) {
    const int64_t bytes = matcher_ == nullptr ? 0 : static_cast<int64_t>(matcher_->bytes());
    if (bytes != accounted_) Napi::MemoryManagement::AdjustExternalMemory(env, bytes - accounted_);
    accounted_ = bytes;
  }

  void release(Napi::Env env) {
    matcher_ = nullptr;
    account(env);
  }

  size_t words_ = 0;
  std::unique_ptr<keys::Matcher> matcher_;
  int64_t accounted_ = 0;
};

}  // namespace

void RegisterKeyMatch(Napi::Env env, Napi::Object exports) { exports.Set("KeyMatcher", KeyMatcher::Define(env)); }
