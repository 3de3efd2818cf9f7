// JavaScript's door to native/whole_files.cc: checks arguments, then writes on a thread of the pool.

#include <napi.h>

#ifdef _WIN32

void RegisterWholeFiles(Napi::Env, Napi::Object) {}

#else

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "promised_work.h"
#include "whole_files.h"

namespace {

using corpusmill::FailedFile;
using corpusmill::FilePiece;
using corpusmill::list_or_null;
using corpusmill::number_or_null;
using corpusmill::WholeFile;

class Writing : public corpusmill::PromisedWork {
 public:
  // `pieces` keeps the memory of the files' pieces alive.
  Writing(std::vector<WholeFile> files, Napi::Array pieces)
      : files_(std::move(files)), pieces_(Napi::Persistent(pieces.As<Napi::Object>())) {}

 protected:
  void execute() override { failed_ = corpusmill::write_whole_files(files_); }

  napi_value result(napi_env env) override {
    napi_value value = nullptr;
    if (failed_.call == nullptr) return napi_get_undefined(env, &value) == napi_ok ? value : nullptr;
    if (napi_create_string_utf8(env, failed_.call, NAPI_AUTO_LENGTH, &value) != napi_ok) return nullptr;
    return list_or_null(env, {number_or_null(env, static_cast<double>(failed_.file)), value,
                              number_or_null(env, failed_.error)});
  }

 private:
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
  return corpusmill::PromisedWork::start(env, "corpusmill:writeWholeFiles",
                                         std::make_unique<Writing>(std::move(files), pieces));
}

}  // namespace

void RegisterWholeFiles(Napi::Env env, Napi::Object exports) {
  exports.Set("writeWholeFiles", Napi::Function::New(env, WriteWholeFiles, "writeWholeFiles"));
}

#endif
