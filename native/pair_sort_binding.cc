// JavaScript's door to native/pair_sort.cc and native/pair_components.cc: checks arguments, then calls.

#include <napi.h>

#include <bit>

#include "arguments.h"
#include "pair_components.h"
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

// unionPairs(parents, pairs): void
void UnionPairs(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "unionPairs");
  size_t size = 0, words = 0;
  uint32_t* const parents = arguments.array<uint32_t>(napi_uint32_array, 0, &size);
  const uint32_t* const pairs = arguments.own_array<uint32_t>(napi_uint32_array, 0, &words);
  if (arguments.ok() && !corpusmill::union_pairs(parents, size, pairs, words / 2)) {
    arguments.fail("has a member of no set");
  }
}

// dividePairs(parents, pairs, out, sizes): void; as many groups as there are sizes
void DividePairs(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "dividePairs");
  size_t size = 0, words = 0, groups = 0;
  uint32_t* const parents = arguments.array<uint32_t>(napi_uint32_array, 0, &size);
  const uint32_t* const pairs = arguments.own_array<uint32_t>(napi_uint32_array, 0, &words);
  uint32_t* const out = arguments.own_array<uint32_t>(napi_uint32_array, words);
  uint32_t* const sizes = arguments.own_array<uint32_t>(napi_uint32_array, 1, &groups);
  if (arguments.ok() && groups > 256) arguments.fail("is of more than 256 groups");
  if (arguments.ok() && !corpusmill::divide_pairs(parents, size, pairs, words / 2, groups, out, sizes)) {
    arguments.fail("cannot be filled: a pair has a member of no set");
  }
}

}  // namespace

void RegisterPairSort(Napi::Env env, Napi::Object exports) {
  static_assert(std::endian::native == std::endian::little);
  exports.Set("sortPairs", Napi::Function::New(env, SortPairs, "sortPairs"));
  exports.Set("unionPairs", Napi::Function::New(env, UnionPairs, "unionPairs"));
  exports.Set("dividePairs", Napi::Function::New(env, DividePairs, "dividePairs"));
}
