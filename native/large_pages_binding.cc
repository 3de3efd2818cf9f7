// JavaScript's door to native/large_pages.h.

#include <napi.h>

#include "arguments.h"
#include "large_pages.h"

namespace {

// largePages(memory): number
Napi::Value LargePages(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "largePages");
  size_t bytes = 0;
  uint8_t* const memory = arguments.array<uint8_t>(napi_uint8_array, 0, &bytes);
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<double>(corpusmill::ask_for_large_pages(memory, bytes)));
}

}  // namespace

void RegisterLargePages(Napi::Env env, Napi::Object exports) {
  exports.Set("largePages", Napi::Function::New(env, LargePages, "largePages"));
}
