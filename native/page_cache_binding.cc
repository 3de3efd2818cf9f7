// What the system keeps of files in memory.

#include <napi.h>

#ifndef _WIN32
#include <fcntl.h>
#endif

#include "arguments.h"

namespace {

constexpr double kMostPosition = 9007199254740991.0;

// dropFromCache(file, position, bytes): lets go of the pages that hold these bytes of an open file, as far as the disk has them.
// A wish: where the system has no such thing, nothing happens.
Napi::Value DropFromCache(const Napi::CallbackInfo& info) {
  corpusmill::Arguments arguments(info, "dropFromCache");
  const size_t file = arguments.integer(INT32_MAX);
  const size_t position = arguments.integer(kMostPosition);
  const size_t bytes = arguments.integer(kMostPosition);
#ifdef POSIX_FADV_DONTNEED
  // Of 0 bytes it would mean all that follow.
  if (arguments.ok() && bytes > 0) {
    posix_fadvise(static_cast<int>(file), static_cast<off_t>(position), static_cast<off_t>(bytes), POSIX_FADV_DONTNEED);
  }
#else
  (void)file, (void)position, (void)bytes;
#endif
  return info.Env().Undefined();
}

}  // namespace

void RegisterPageCache(Napi::Env env, Napi::Object exports) {
  exports.Set("dropFromCache", Napi::Function::New(env, DropFromCache, "dropFromCache"));
}
