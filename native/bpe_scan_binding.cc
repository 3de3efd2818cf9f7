// JavaScript's door to native/bpe_scan.cc and the class table behind it: checks arguments, then calls.

#include <napi.h>

#include "arguments.h"
#include "bpe_scan.h"
#include "unicode_class.h"

namespace {

using corpusmill::Arguments;
namespace bpe = corpusmill::bpe;
namespace unicode = corpusmill::unicode;

// unicodeClasses(classes): the table of every thread; the first call sets it.
Napi::Value UnicodeClasses(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "unicodeClasses");
  const uint8_t* table = arguments.array<uint8_t>(napi_uint8_array, unicode::kCodePoints);
  if (arguments.ok() && !unicode::set_classes(table)) arguments.fail("is not a table of character classes");
  return info.Env().Undefined();
}

// scanPieces(pattern, bytes, start, end, ends): number
Napi::Value ScanPieces(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "scanPieces");
  size_t length = 0;
  size_t capacity = 0;
  const size_t pattern = arguments.integer(bpe::kPatterns - 1);
  const uint8_t* bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &length);
  const size_t start = arguments.integer(static_cast<double>(length));
  const size_t end = arguments.integer(static_cast<double>(length < UINT32_MAX ? length : UINT32_MAX));
  uint32_t* ends = arguments.array<uint32_t>(napi_uint32_array, 0, &capacity);
  if (!arguments.ok()) return info.Env().Undefined();
  if (!unicode::has_classes()) {
    Napi::Error::New(info.Env(), "scanPieces: unicodeClasses was not called").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const size_t count = bpe::scan(static_cast<bpe::Pattern>(pattern), bytes, start, end, ends, capacity);
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

}  // namespace

void RegisterBpeScan(Napi::Env env, Napi::Object exports) {
  exports.Set("unicodeClasses", Napi::Function::New(env, UnicodeClasses, "unicodeClasses"));
  exports.Set("scanPieces", Napi::Function::New(env, ScanPieces, "scanPieces"));
}
