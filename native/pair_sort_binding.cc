// JavaScript's door to native/pair_sort.cc: checks arguments, then calls.

#include <napi.h>

#include <bit>

#include "arguments.h"
#include "pair_sort.h"

namespace {

// sortPairs(words, count): number; pairs are (minor, major), which little-endian machines read as one number.
Napi::Value SortPairs(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "sortPairs");
  size_t room = 0;
  uint32_t* const words = arguments.own_array<uint32_t>(napi_uint32_array, 0, &room);
  if (arguments.ok() && reinterpret_cast<uintptr_t>(words) % alignof(uint64_t) != 0) arguments.fail("lies between pairs");
  const size_t count = arguments.integer(static_cast<double>(room / 2));
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t kept = corpusmill::sort_distinct(reinterpret_cast<uint64_t*>(words), count);
  return Napi::Number::New(info.Env(), static_cast<double>(kept));
}

}  // namespace

void RegisterPairSort(Napi::Env env, Napi::Object exports) {
  static_assert(std::endian::native == std::endian::little);
  exports.Set("sortPairs", Napi::Function::New(env, SortPairs, "sortPairs"));
}
