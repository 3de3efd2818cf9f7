// JavaScript's door to native/normal_text.cc.

#include <napi.h>

#include "arguments.h"
#include "normal_text.h"

namespace {

// isNormalText(bytes, start, end): boolean
Napi::Value IsNormalText(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "isNormalText");
  size_t length = 0;
  const uint8_t* const bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &length);
  const size_t start = arguments.integer(static_cast<double>(length));
  const size_t end = arguments.integer(static_cast<double>(length));
  if (arguments.ok() && start > end) arguments.fail("is before the start");
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), corpusmill::is_normal_text(bytes + start, end - start));
}

}  // namespace

void RegisterNormalText(Napi::Env env, Napi::Object exports) {
  exports.Set("isNormalText", Napi::Function::New(env, IsNormalText, "isNormalText"));
}
