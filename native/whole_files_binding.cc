// JavaScript's door to native/whole_files.cc: checks arguments, then writes on a thread of the pool.

#include <napi.h>

#ifdef _WIN32

void RegisterWholeFiles(Napi::Env, Napi::Object) {}

#else

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "whole_files.h"

namespace {

using corpusmill::FailedFile;
using corpusmill::FilePiece;
using corpusmill::WholeFile;

class Writing : public Napi::AsyncWorker {
 public:
  // `pieces` keeps the memory of the files' pieces alive.
  Writing(Napi::Env env, std::vector<WholeFile> files, Napi::Array pieces)
      : Napi::AsyncWorker(env, "corpusmill:writeWholeFiles"),
        promise_(Napi::Promise::Deferred::New(env)),
        files_(std::move(files)),
        pieces_(Napi::Persistent(pieces.As<Napi::Object>())) {}

  Napi::Promise Promise() const { return promise_.Promise(); }

 protected:
  void Execute() override { failed_ = corpusmill::write_whole_files(files_); }

  void OnOK() override {
    const Napi::Env env = Env();
    if (failed_.call == nullptr) {
      promise_.Resolve(env.Undefined());
      return;
    }
    Napi::Array failed = Napi::Array::New(env, 3);
    failed.Set(0u, Napi::Number::New(env, static_cast<double>(failed_.file)));
    failed.Set(1u, Napi::String::New(env, failed_.call));
    failed.Set(2u, Napi::Number::New(env, failed_.error));
    promise_.Resolve(failed);
  }

  void OnError(const Napi::Error& error) override { promise_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred promise_;
  std::vector<WholeFile> files_;
  Napi::ObjectReference pieces_;
  FailedFile failed_;
};

// The next argument, a list; empty when it is none.
Napi::Array list_of(const Napi::CallbackInfo& info, size_t index, corpusmill::Arguments& arguments) {
  arguments.next();
  if (arguments.ok() && info[index].IsArray()) return info[index].As<Napi::Array>();
  arguments.fail("is not a list");
  return Napi::Array::New(info.Env());
}

// A path as the system takes it: no NUL in it.
std::string path_of(const Napi::Value& value, corpusmill::Arguments& arguments) {
  std::string path = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  if (path.empty() || path.find('\0') != std::string::npos) arguments.fail("holds what is no path");
  return path;
}

// writeWholeFiles(names, pieces, counts): Promise of undefined, or of [file, system call, errno]. Three names a file: its path, that
// of its temporary file, their folder; `counts` of the pieces, Uint8Arrays, are its own. They must stay as they are until it ends.
Napi::Value WriteWholeFiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  corpusmill::Arguments arguments(info, "writeWholeFiles");
  const Napi::Array names = list_of(info, 0, arguments);
  std::vector<std::string> paths;
  for (uint32_t i = 0, count = names.Length(); i < count && arguments.ok(); i++) {
    paths.push_back(path_of(names.Get(i), arguments));
  }
  const Napi::Array given = list_of(info, 1, arguments);
  // A list of its own, from which nobody can take an array.
  const uint32_t count = given.Length();
  Napi::Array pieces = Napi::Array::New(env, count);
  std::vector<FilePiece> found;
  for (uint32_t i = 0; i < count && arguments.ok(); i++) {
    const Napi::Value piece = given.Get(i);
    size_t length = 0;
    const uint8_t* const bytes = arguments.array_value<uint8_t>(piece, napi_uint8_array, &length);
    found.push_back({bytes, length});
    pieces.Set(i, piece);
  }
  size_t file_count = 0;
  const uint32_t* const counts = arguments.own_array<uint32_t>(napi_uint32_array, 0, &file_count);
  if (arguments.ok() && paths.size() != 3 * file_count) arguments.fail("must have one entry for three names");
  std::vector<WholeFile> files(arguments.ok() ? file_count : 0);
  size_t next = 0;
  for (size_t i = 0; i < files.size() && arguments.ok(); i++) {
    if (counts[i] > found.size() - next) {
      arguments.fail("counts more pieces than there are");
      break;
    }
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(next);
    next += counts[i];
    files[i] = {paths[3 * i], paths[3 * i + 1], paths[3 * i + 2],
                {first, found.begin() + static_cast<std::ptrdiff_t>(next)}};
  }
  if (!arguments.ok()) return env.Undefined();
  auto* const writing = new Writing(env, std::move(files), pieces);
  const Napi::Promise promise = writing->Promise();
  writing->Queue();
  return promise;
}

}  // namespace

void RegisterWholeFiles(Napi::Env env, Napi::Object exports) {
  exports.Set("writeWholeFiles", Napi::Function::New(env, WriteWholeFiles, "writeWholeFiles"));
}

#endif
