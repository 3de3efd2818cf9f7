// Work on a thread of the pool, and a promise of its result. The thread of JavaScript that waits may be ended meanwhile: nobody is told
// then. Napi::AsyncWorker would end the process with it.
#pragma once

#include <napi.h>

#include <initializer_list>
#include <memory>

namespace corpusmill {

class PromisedWork {
 public:
  virtual ~PromisedWork() = default;
  PromisedWork(const PromisedWork&) = delete;
  PromisedWork& operator=(const PromisedWork&) = delete;

  // Queues the work, which is deleted when it is done. Undefined, with an error pending, when it cannot be queued.
  static Napi::Value start(Napi::Env env, const char* name, std::unique_ptr<PromisedWork> work) {
    napi_value promise = nullptr, resource = nullptr;
    const bool is_made =
        napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &resource) == napi_ok &&
        napi_create_async_work(env, nullptr, resource, execute_work, complete_work, work.get(), &work->work_) == napi_ok &&
        napi_create_promise(env, &work->deferred_, &promise) == napi_ok;
    if (!is_made || napi_queue_async_work(env, work->work_) != napi_ok) {
      if (work->work_ != nullptr) napi_delete_async_work(env, work->work_);
      Napi::Error::New(env, "there is no thread for the work").ThrowAsJavaScriptException();
      return env.Undefined();
    }
    work.release();
    return {env, promise};
  }

 protected:
  PromisedWork() = default;

  // On a thread of the pool.
  virtual void execute() = 0;
  // On that of JavaScript, what the promise resolves to: by Node-API's own functions, each of which fails where the thread is being
  // ended; null then.
  virtual napi_value result(napi_env env) = 0;

 private:
  static void execute_work(napi_env, void* data) { static_cast<PromisedWork*>(data)->execute(); }

  static void complete_work(napi_env env, napi_status status, void* data) {
    const std::unique_ptr<PromisedWork> work(static_cast<PromisedWork*>(data));
    if (status == napi_ok) {
      if (const napi_value value = work->result(env); value != nullptr) napi_resolve_deferred(env, work->deferred_, value);
    }
    napi_delete_async_work(env, work->work_);
  }

  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
};

// For `result`: null where the thread is being ended, or where one of the values is.
inline napi_value number_or_null(napi_env env, double number) {
  napi_value value = nullptr;
  return napi_create_double(env, number, &value) == napi_ok ? value : nullptr;
}

inline napi_value list_or_null(napi_env env, std::initializer_list<napi_value> values) {
  napi_value list = nullptr;
  if (napi_create_array_with_length(env, values.size(), &list) != napi_ok) return nullptr;
  uint32_t i = 0;
  for (const napi_value value : values) {
    if (value == nullptr || napi_set_element(env, list, i++, value) != napi_ok) return nullptr;
  }
  return list;
}

}  // namespace corpusmill
