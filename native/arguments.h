// Reads the arguments of one call from JavaScript in order; after the first wrong one an error is pending and `ok` is false.
#pragma once

#include <napi.h>

#include <cmath>
#include <string>

namespace corpusmill {

class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function) : info_(info), function_(function) {}

  bool ok() const { return ok_; }

  // The data of a typed array with at least `least` entries. Another thread may write to it if it is over shared memory.
  template <typename T>
  T* array(napi_typedarray_type type, size_t least, size_t* length = nullptr) {
    return array_of<T>(info_[next_++], type, least, length, false);
  }

  // The same, over memory of this thread alone: what is checked stays as it was checked.
  template <typename T>
  T* own_array(napi_typedarray_type type, size_t least, size_t* length = nullptr) {
    return array_of<T>(info_[next_++], type, least, length, true);
  }

  // Entry `index` of an array argument, a typed array; the argument is passed with `next`.
  template <typename T>
  T* array_in(size_t index, napi_typedarray_type type, size_t* length) {
    if (!ok_) return nullptr;
    const Napi::Value list = info_[next_++];
    const Napi::Value entry = list.IsArray() ? list.As<Napi::Array>().Get(static_cast<uint32_t>(index)) : list;
    T* const data = array_of<T>(entry, type, 0, length, false);
    next_--;
    return data;
  }

  // An entry of the argument that was read last, a typed array.
  template <typename T>
  T* array_value(napi_value entry, napi_typedarray_type type, size_t* length) {
    return array_of<T>(entry, type, 0, length, false);
  }

  // Leaves an argument behind.
  void next() { next_++; }

  // An integer from 0 to `most`.
  size_t integer(double most) {
    const napi_value value = info_[next_++];
    if (!ok_) return 0;
    double number = -1;
    if (napi_get_value_double(info_.Env(), value, &number) != napi_ok || !(number >= 0 && number <= most) ||
        std::floor(number) != number) {
      fail<int>("is not an integer within its range");
      return 0;
    }
    return static_cast<size_t>(number);
  }

  // A finite number.
  double number() {
    const napi_value value = info_[next_++];
    if (!ok_) return 0;
    double number = 0;
    if (napi_get_value_double(info_.Env(), value, &number) != napi_ok || !std::isfinite(number)) {
      fail<int>("is not a finite number");
    }
    return number;
  }

  // Fails about the argument that was read last; null.
  template <typename T = void>
  T* fail(const char* what) {
    if (!ok_) return nullptr;
    ok_ = false;
    Napi::TypeError::New(info_.Env(), std::string(function_) + ": argument " + std::to_string(next_) + " " + what)
        .ThrowAsJavaScriptException();
    return nullptr;
  }

 private:
  template <typename T>
  T* array_of(napi_value value, napi_typedarray_type type, size_t least, size_t* length, bool is_own) {
    if (!ok_) return nullptr;
    bool is_array = false;
    napi_typedarray_type found;
    size_t entries = 0;
    void* data = nullptr;
    napi_value buffer = nullptr;
    if (napi_is_typedarray(info_.Env(), value, &is_array) != napi_ok || !is_array ||
        napi_get_typedarray_info(info_.Env(), value, &found, &entries, &data, is_own ? &buffer : nullptr, nullptr) !=
            napi_ok ||
        found != type) {
      return fail<T>("is not the typed array that is wanted here");
    }
    if (entries < least) return fail<T>("is too short");
    bool is_unshared = false;
    if (is_own && (napi_is_arraybuffer(info_.Env(), buffer, &is_unshared) != napi_ok || !is_unshared)) {
      return fail<T>("is over shared memory");
    }
    if (length != nullptr) *length = entries;
    return static_cast<T*>(data);
  }

  const Napi::CallbackInfo& info_;
  const char* function_;
  size_t next_ = 0;
  bool ok_ = true;
};

}  // namespace corpusmill
