// JavaScript's door to native/bpe_train.cc: checks arguments, then calls.

#include <napi.h>

#include <cmath>

#include "arguments.h"
#include "bpe_train.h"

namespace {

namespace bpe = corpusmill::bpe;
using corpusmill::Arguments;

constexpr double kMostSymbols = 0x7fffffff, kMostThreads = 64;
// Sums of counts stay whole numbers in 64 bits, and in the doubles that JavaScript gets.
constexpr double kMostCount = 9007199254740992.0;

// Numbers that run up from 0 to `end` or less.
template <typename T>
bool runs_up(const T* starts, size_t length, double end) {
  if (length == 0 || starts[0] != 0) return false;
  for (size_t i = 1; i < length; i++) {
    if (!(starts[i] >= starts[i - 1]) || std::floor(static_cast<double>(starts[i])) != starts[i]) return false;
  }
  return starts[length - 1] <= end;
}

bool all_below(const int32_t* values, size_t length, size_t end) {
  for (size_t i = 0; i < length; i++) {
    if (values[i] < 0 || static_cast<size_t>(values[i]) >= end) return false;
  }
  return true;
}

// new BpeMergeLoop(symbols, symbolOfByte, starts, counts, firstNew, maxMerges, minFrequency, tie, tokenBytes, tokenStarts,
//                  threads)
class MergeLoop : public Napi::ObjectWrap<MergeLoop> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "BpeMergeLoop",
                       {InstanceMethod<&MergeLoop::Advance>("advance"),
                        InstanceMethod<&MergeLoop::SymbolTotal>("symbolTotal")});
  }

  explicit MergeLoop(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MergeLoop>(info) {
    Arguments arguments(info, "BpeMergeLoop");
    bpe::MergeWords words{};
    size_t symbol_entries = 0, starts_length = 0, counts_length = 0, token_bytes = 0, token_starts = 0;
    const bool is_bytes =
        info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
    if (is_bytes) words.bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &symbol_entries);
    else words.symbols = arguments.own_array<int32_t>(napi_int32_array, 0, &symbol_entries);
    words.symbol_of = arguments.own_array<int32_t>(napi_int32_array, 256);
    words.starts = arguments.own_array<uint32_t>(napi_uint32_array, 1, &starts_length);
    words.counts = arguments.own_array<double>(napi_float64_array, 0, &counts_length);
    const size_t first_new = arguments.integer(kMostSymbols);
    max_merges_ = arguments.integer(kMostSymbols - static_cast<double>(first_new));
    const size_t min_frequency = arguments.integer(kMostCount);
    const size_t tie = arguments.integer(1);
    const uint8_t* const tokens = arguments.own_array<uint8_t>(napi_uint8_array, 0, &token_bytes);
    const double* const starts = arguments.own_array<double>(napi_float64_array, first_new + 1, &token_starts);
    const size_t threads = arguments.integer(kMostThreads);
    if (!arguments.ok()) return;
    words.word_count = starts_length - 1;
    if (!runs_up(words.starts, starts_length, static_cast<double>(symbol_entries)) ||
        counts_length < words.word_count || !runs_up(starts, token_starts, static_cast<double>(token_bytes)) ||
        !all_below(is_bytes ? words.symbol_of : words.symbols, is_bytes ? 256 : words.starts[words.word_count], first_new)) {
      refuse(info, "BpeMergeLoop: starts must run up within symbols and tokenBytes, and symbols be below firstNew");
      return;
    }
    double total = 0;
    for (size_t i = 0; i < words.word_count; i++) {
      if (!(words.counts[i] >= 0) || std::floor(words.counts[i]) != words.counts[i]) total = INFINITY;
      total += words.counts[i] * (words.starts[i + 1] - words.starts[i]);
    }
    if (!(total <= kMostCount)) {
      refuse(info, "BpeMergeLoop: counts must be whole numbers, and symbols times counts at most 2^53");
      return;
    }
    loop_ = bpe::create_merge_loop(words, static_cast<uint32_t>(first_new),
                                   static_cast<uint32_t>(first_new + max_merges_),
                                   std::max<int64_t>(1, static_cast<int64_t>(min_frequency)), static_cast<bpe::Tie>(tie),
                                   bpe::SymbolBytes(tokens, starts, token_starts - 1, first_new), threads);
    if (loop_ == nullptr) refuse(info, "BpeMergeLoop: the words pass 32 GiB");
  }

 private:
  static void refuse(const Napi::CallbackInfo& info, const char* what) {
    Napi::TypeError::New(info.Env(), what).ThrowAsJavaScriptException();
  }

  // advance(most, lefts, rights, pairCounts): number of merges made since the start
  Napi::Value Advance(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "advance");
    const size_t most = arguments.integer(kMostSymbols);
    int32_t* const lefts = arguments.own_array<int32_t>(napi_int32_array, max_merges_);
    int32_t* const rights = arguments.own_array<int32_t>(napi_int32_array, max_merges_);
    double* const counts = arguments.own_array<double>(napi_float64_array, max_merges_);
    if (arguments.ok() && loop_ == nullptr) arguments.fail("is given to a loop that was refused");
    if (!arguments.ok()) return info.Env().Undefined();
    loop_->advance(std::min(most, max_merges_ - merges_), &merges_, lefts, rights, counts);
    return Napi::Number::New(info.Env(), static_cast<double>(merges_));
  }

  // symbolTotal(): number
  Napi::Value SymbolTotal(const Napi::CallbackInfo& info) {
    const int64_t total = loop_ == nullptr ? 0 : loop_->symbol_total();
    return Napi::Number::New(info.Env(), static_cast<double>(total));
  }

  std::unique_ptr<bpe::MergeLoop> loop_;
  size_t max_merges_ = 0, merges_ = 0;
};

}  // namespace

void RegisterBpeTrain(Napi::Env env, Napi::Object exports) { exports.Set("BpeMergeLoop", MergeLoop::Define(env)); }
