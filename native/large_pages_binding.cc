// JavaScript's door to native/large_pages.h.

#include <napi.h>

#include "arguments.h"
#include "large_pages.h"

namespace {

// largePages(memory): void
Napi::Value LargePages(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "largePages");
  size_t bytes = 0;
  uint8_t* const memory = arguments.array<uint8_t>(napi_uint8_array, 0, &bytes);
  if (arguments.ok()) corpusmill::ask_for_large_pages(memory, bytes);
  return info.Env().Undefined();
}

}  // namespace

void RegisterLargePages(Napi::Env env, Napi::Object exports) {
  exports.Set("largePages", Napi::Function::New(env, LargePages, "largePages"));
}
