// JavaScript's door to native/memory_files.h. Reads go through native/read_ranges.cc, which takes -1 - number for a file's.

#include <napi.h>

#include <string>
#include <vector>

#include "arguments.h"
#include "memory_files.h"

namespace {

namespace memory_files = corpusmill::memory_files;

constexpr double kMostBytes = 1ull << 40;

std::string name_of(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsString() ? info[index].As<Napi::String>().Utf8Value() : std::string();
}

// keepFile(name, pieces, most): whether it is kept.
Napi::Value KeepFile(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "keepFile");
  const std::string name = name_of(info, 0);
  arguments.next();
  if (name.empty()) arguments.fail("is no name");
  std::vector<memory_files::Piece> pieces(info[1].IsArray() ? info[1].As<Napi::Array>().Length() : 0);
  for (size_t i = 0; i < pieces.size() && arguments.ok(); i++) {
    pieces[i].bytes = arguments.array_in<uint8_t>(i, napi_uint8_array, &pieces[i].length);
  }
  arguments.next();
  const size_t most = arguments.integer(kMostBytes);
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), memory_files::keep(name, pieces, most));
}

// keptFile(name): its number, or -1
Napi::Value KeptFile(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), memory_files::number_of(name_of(info, 0)));
}

// keptBytes(number)
Napi::Value KeptBytes(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "keptBytes");
  const size_t number = arguments.integer(INT32_MAX);
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<double>(memory_files::size_of(static_cast<int>(number))));
}

// forgetFiles(prefix)
Napi::Value ForgetFiles(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "forgetFiles");
  const std::string prefix = name_of(info, 0);
  arguments.next();
  // Of an empty one it would be all of the process.
  if (prefix.empty()) arguments.fail("is no name");
  if (arguments.ok()) memory_files::forget(prefix);
  return info.Env().Undefined();
}

}  // namespace

void RegisterMemoryFiles(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, auto function) { exports.Set(name, Napi::Function::New(env, function, name)); };
  set("keepFile", KeepFile);
  set("keptFile", KeptFile);
  set("keptBytes", KeptBytes);
  set("forgetFiles", ForgetFiles);
}
