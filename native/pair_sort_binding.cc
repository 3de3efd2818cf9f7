// JavaScript's door to pair_sort.cc.

#include <napi.h>

#include "arguments.h"
#include "pair_sort.h"

namespace {

// sortPairs(words, count): how many pairs are left of the first `count`, each two words, (minor, major).
Napi::Value SortPairs(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "sortPairs");
  size_t length = 0;
  uint32_t* const words = arguments.own_array<uint32_t>(napi_uint32_array, 0, &length);
  if (arguments.ok() && reinterpret_cast<uintptr_t>(words) % alignof(uint64_t) != 0) {
    arguments.fail("does not begin where a number of 64 bits may");
  }
  const size_t count = arguments.integer(static_cast<double>(length / 2));
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t left = corpusmill::sort_pairs(reinterpret_cast<uint64_t*>(words), count);
  return Napi::Number::New(info.Env(), static_cast<double>(left));
}

}  // namespace

void RegisterPairSort(Napi::Env env, Napi::Object exports) {
  exports.Set("sortPairs", Napi::Function::New(env, SortPairs, "sortPairs"));
}
