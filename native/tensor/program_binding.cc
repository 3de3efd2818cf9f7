// JavaScript's door to the native backend: src/tensor/native/backend.ts is its only caller.
//
// Buffers and programs are numbers here, never given twice, so that nothing is freed by a garbage collection and a stale
// one is noticed. Whatever takes time is a job on the backend's own thread; while jobs are pending the backend and the
// process are kept alive. All members are of the JavaScript thread, except the arena and the scratch memory, which jobs own.

#include <napi.h>

#include <cmath>
#include <map>
#include <string>

#include "../arguments.h"
#include "isa.h"
#include "job_queue.h"
#include "program.h"

namespace {

using namespace corpusmill::tensor;
using corpusmill::Arguments;
using corpusmill::ThreadTeam;

constexpr double kMostWords = 1099511627776.0;
// What is copied on the event loop, if nothing is pending, rather than by a job.
constexpr size_t kSmallRead = size_t{1} << 20;

// What jobs share; one job at a time runs.
struct Workshop {
  // Between instructions a helper looks for the next one rather than sleep: waking it takes some twenty microseconds.
  explicit Workshop(size_t threads) : team(threads, 256) {}

  ThreadTeam team;
  Memory arena, scratch;
};

// A job that answers a promise. `settle` is called on the JavaScript thread.
class PromiseJob : public Job {
 public:
  explicit PromiseJob(Napi::Env env) : deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }
  virtual void settle(Napi::Env env) { deferred_.Resolve(env.Undefined()); }

 protected:
  Napi::Promise::Deferred deferred_;
};

class RunJob : public PromiseJob {
 public:
  RunJob(Napi::Env env, Workshop& shop, const std::atomic<bool>& stop, std::shared_ptr<Program> program, bool profile)
      : PromiseJob(env), shop_(shop), stop_(stop), program_(std::move(program)), profile_(profile) {}

  void work() override {
    if (!grow(&shop_.arena, program_->arena_bytes()) || !grow(&shop_.scratch, program_->scratch_bytes())) {
      result_.error = "there is not enough memory: the arena takes " + std::to_string(program_->arena_bytes()) +
                      " bytes, the kernels " + std::to_string(program_->scratch_bytes());
      return;
    }
    result_ = program_->run(shop_.team, shop_.arena.data(), shop_.scratch.data(), stop_, profile_);
  }

  void settle(Napi::Env env) override {
    if (!result_.error.empty()) {
      deferred_.Reject(Napi::RangeError::New(env, result_.error).Value());
      return;
    }
    if (!profile_) return PromiseJob::settle(env);
    Napi::Float64Array times = Napi::Float64Array::New(env, result_.nanoseconds.size());
    for (size_t i = 0; i < result_.nanoseconds.size(); i++) times[i] = static_cast<double>(result_.nanoseconds[i]);
    deferred_.Resolve(times);
  }

 private:
  static bool grow(Memory* memory, size_t bytes) {
    if (memory->data() != nullptr && memory->bytes() >= bytes) return true;
    *memory = Memory();
    *memory = Memory(bytes);
    return memory->data() != nullptr;
  }

  Workshop& shop_;
  const std::atomic<bool>& stop_;
  std::shared_ptr<Program> program_;
  const bool profile_;
  RunResult result_;
};

class WriteJob : public PromiseJob {
 public:
  WriteJob(Napi::Env env, std::shared_ptr<Buffer> buffer, size_t offset, const void* data, size_t bytes)
      : PromiseJob(env), buffer_(std::move(buffer)), offset_(offset), copy_(bytes) {
    if (is_ready()) std::memcpy(copy_.data(), data, bytes);
  }
  bool is_ready() const { return copy_.data() != nullptr; }
  void work() override { std::memcpy(buffer_->memory.data() + offset_ * 4, copy_.data(), copy_.bytes()); }

 private:
  std::shared_ptr<Buffer> buffer_;
  size_t offset_;
  Memory copy_;
};

class ReadJob : public PromiseJob {
 public:
  ReadJob(Napi::Env env, std::shared_ptr<Buffer> buffer, size_t offset, Napi::TypedArray target, void* data)
      : PromiseJob(env), buffer_(std::move(buffer)), offset_(offset), target_(Napi::Persistent(target.As<Napi::Object>())),
        bytes_(target.ByteLength()), data_(data) {}
  void work() override { std::memcpy(data_, buffer_->memory.data() + offset_ * 4, bytes_); }

 private:
  std::shared_ptr<Buffer> buffer_;
  size_t offset_;
  // Keeps the memory alive; only the caller, which waits for the promise, could take it away.
  Napi::ObjectReference target_;
  size_t bytes_;
  void* data_;
};

class FreeJob : public PromiseJob {
 public:
  FreeJob(Napi::Env env, std::vector<std::shared_ptr<Buffer>> buffers) : PromiseJob(env), buffers_(std::move(buffers)) {}
  void work() override {
    for (const auto& buffer : buffers_) buffer->memory = Memory();
  }

 private:
  std::vector<std::shared_ptr<Buffer>> buffers_;
};

class TensorBackend : public Napi::ObjectWrap<TensorBackend> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "TensorBackend",
                       {InstanceMethod<&TensorBackend::CreateBuffer>("createBuffer"),
                        InstanceMethod<&TensorBackend::DisposeBuffer>("disposeBuffer"),
                        InstanceMethod<&TensorBackend::Write>("write"), InstanceMethod<&TensorBackend::Read>("read"),
                        InstanceMethod<&TensorBackend::Compile>("compile"), InstanceMethod<&TensorBackend::Run>("run"),
                        InstanceMethod<&TensorBackend::DisposeProgram>("disposeProgram"),
                        InstanceMethod<&TensorBackend::Dispose>("dispose")});
  }

  explicit TensorBackend(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TensorBackend>(info), env_(info.Env()) {
    Arguments arguments(info, "TensorBackend");
    const size_t threads = arguments.integer(256);
    if (arguments.ok() && threads == 0) arguments.fail("is not an integer within its range");
    if (!arguments.ok()) return;
    if (napi_create_threadsafe_function(env_, nullptr, nullptr, Napi::String::New(env_, "corpusmill tensor backend"), 0, 1,
                                        nullptr, nullptr, this, on_done, &done_) != napi_ok) {
      Napi::Error::New(env_, "TensorBackend: no thread can be started").ThrowAsJavaScriptException();
      return;
    }
    napi_unref_threadsafe_function(env_, done_);
    napi_add_env_cleanup_hook(env_, on_exit, this);
    shop_ = std::make_unique<Workshop>(threads);
    queue_ = std::make_unique<JobQueue>([done = done_] { napi_call_threadsafe_function(done, nullptr, napi_tsfn_nonblocking); });
  }
  ~TensorBackend() {
    if (done_ == nullptr) return;
    napi_remove_env_cleanup_hook(env_, on_exit, this);
    shut_down();
  }

 private:
  // createBuffer(isInteger, length): number
  Napi::Value CreateBuffer(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "createBuffer");
    const size_t is_integer = arguments.integer(1);
    const size_t length = arguments.integer(kMostWords);
    if (!arguments.ok() || !open(info, "createBuffer")) return info.Env().Undefined();
    auto buffer = std::make_shared<Buffer>();
    buffer->memory = Memory(length * 4);
    buffer->length = length;
    buffer->dtype = is_integer == 1 ? DType::I32 : DType::F32;
    if (buffer->memory.data() == nullptr) {
      return fail(info, "there is not enough memory for " + std::to_string(length) + " entries");
    }
    buffers_[++last_number_] = std::move(buffer);
    return Napi::Number::New(info.Env(), static_cast<double>(last_number_));
  }

  // disposeBuffer(buffer): void; programs that use it cannot be run any more.
  Napi::Value DisposeBuffer(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Buffer> buffer = buffer_of(info, "disposeBuffer");
    if (buffer == nullptr) return info.Env().Undefined();
    buffers_.erase(info[0].As<Napi::Number>().Int64Value());
    buffer->disposed = true;
    if (pending_ == 0) buffer->memory = Memory();
    else start(std::make_unique<FreeJob>(info.Env(), std::vector{buffer}));
    return info.Env().Undefined();
  }

  // write(buffer, data, offset): void
  Napi::Value Write(const Napi::CallbackInfo& info) {
    size_t offset = 0, bytes = 0;
    void* data = nullptr;
    const std::shared_ptr<Buffer> buffer = transfer(info, "write", &offset, &data, &bytes);
    if (buffer == nullptr) return info.Env().Undefined();
    if (pending_ == 0) {
      if (bytes > 0) std::memcpy(buffer->memory.data() + offset * 4, data, bytes);
      return info.Env().Undefined();
    }
    auto job = std::make_unique<WriteJob>(info.Env(), buffer, offset, data, bytes);
    if (!job->is_ready()) return fail(info, "there is not enough memory for a copy of what is to be written");
    start(std::move(job));
    return info.Env().Undefined();
  }

  // read(buffer, target, offset): Promise<void>
  Napi::Value Read(const Napi::CallbackInfo& info) {
    size_t offset = 0, bytes = 0;
    void* data = nullptr;
    const std::shared_ptr<Buffer> buffer = transfer(info, "read", &offset, &data, &bytes);
    if (buffer == nullptr) return info.Env().Undefined();
    auto job = std::make_unique<ReadJob>(info.Env(), buffer, offset, info[1].As<Napi::TypedArray>(), data);
    if (pending_ > 0 || bytes > kSmallRead) return start(std::move(job));
    if (bytes > 0) job->work();
    job->settle(info.Env());
    return job->promise();
  }

  // compile(buffers, code, arenaLength): { program, scratchBytes }; throws for a wrong program.
  Napi::Value Compile(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "compile");
    size_t buffer_count = 0, code_length = 0;
    const double* const numbers = arguments.own_array<double>(napi_float64_array, 0, &buffer_count);
    const double* const code = arguments.own_array<double>(napi_float64_array, 0, &code_length);
    const size_t arena_length = arguments.integer(kMostWords);
    if (!arguments.ok() || !open(info, "compile")) return info.Env().Undefined();
    std::vector<std::shared_ptr<Buffer>> buffers;
    std::map<const Buffer*, size_t> seen;
    for (size_t i = 0; i < buffer_count; i++) {
      const auto found = buffers_.find(std::isfinite(numbers[i]) ? static_cast<int64_t>(numbers[i]) : 0);
      if (found == buffers_.end()) return fail(info, "buffer " + std::to_string(i) + " was disposed of");
      if (!seen.emplace(found->second.get(), i).second) return fail(info, "buffer " + std::to_string(i) + " is there twice");
      buffers.push_back(found->second);
    }
    auto program = std::make_shared<Program>();
    const std::string error = program->decode({code, code_length}, std::move(buffers), arena_length, shop_->team.size());
    if (!error.empty()) return fail(info, error);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("scratchBytes", static_cast<double>(program->scratch_bytes()));
    programs_[++last_number_] = std::move(program);
    result.Set("program", static_cast<double>(last_number_));
    return result;
  }

  // run(program, profile): Promise<Float64Array of nanoseconds | undefined>
  Napi::Value Run(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "run");
    const size_t number = arguments.integer(kMostWords);
    const bool profile = arguments.integer(1) == 1;
    if (!arguments.ok() || !open(info, "run")) return info.Env().Undefined();
    const auto found = programs_.find(static_cast<int64_t>(number));
    if (found == programs_.end()) return fail(info, "the program was disposed of");
    const auto& buffers = found->second->buffers();
    for (size_t i = 0; i < buffers.size(); i++) {
      if (buffers[i]->disposed) return fail(info, "buffer " + std::to_string(i) + " was disposed of");
    }
    return start(std::make_unique<RunJob>(info.Env(), *shop_, queue_->stopping(), found->second, profile));
  }

  // disposeProgram(program): void
  Napi::Value DisposeProgram(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "disposeProgram");
    const size_t number = arguments.integer(kMostWords);
    if (arguments.ok()) programs_.erase(static_cast<int64_t>(number));
    return info.Env().Undefined();
  }

  // dispose(): Promise<void>; what was asked for before still happens.
  Napi::Value Dispose(const Napi::CallbackInfo& info) {
    if (!open(info, "dispose")) return info.Env().Undefined();
    std::vector<std::shared_ptr<Buffer>> buffers;
    for (const auto& [number, buffer] : buffers_) {
      buffer->disposed = true;
      buffers.push_back(buffer);
    }
    buffers_.clear();
    programs_.clear();
    is_closed_ = true;
    return start(std::make_unique<FreeJob>(info.Env(), std::move(buffers)));
  }

  Napi::Value start(std::unique_ptr<PromiseJob> job) {
    const Napi::Promise promise = job->promise();
    if (pending_++ == 0) {
      Ref();
      napi_ref_threadsafe_function(env_, done_);
    }
    queue_->add(std::move(job));
    return promise;
  }

  // Settles what is done, on the JavaScript thread; without an environment when that is going away.
  static void on_done(napi_env env, napi_value, void* context, void*) {
    if (env != nullptr) static_cast<TensorBackend*>(context)->settle_done();
  }

  void settle_done() {
    if (queue_ == nullptr) return;
    const Napi::HandleScope scope(env_);
    for (const std::unique_ptr<Job>& job : queue_->take_done()) {
      static_cast<PromiseJob&>(*job).settle(env_);
      if (--pending_ > 0) continue;
      napi_unref_threadsafe_function(env_, done_);
      if (is_closed_) shut_down();
      Unref();
    }
  }

  static void on_exit(void* self) { static_cast<TensorBackend*>(self)->shut_down(); }

  // Ends the threads and frees everything; the instruction that runs is waited for, the rest of the program is not.
  void shut_down() {
    is_closed_ = true;
    if (queue_ == nullptr) return;
    queue_->stop();
    queue_.reset();
    shop_.reset();
    buffers_.clear();
    programs_.clear();
    napi_release_threadsafe_function(done_, napi_tsfn_abort);
  }

  bool open(const Napi::CallbackInfo& info, const char* what) {
    if (!is_closed_) return true;
    fail(info, std::string(what) + ": the backend was disposed of");
    return false;
  }

  static Napi::Value fail(const Napi::CallbackInfo& info, const std::string& what) {
    Napi::RangeError::New(info.Env(), what).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }

  // The buffer of the first argument; null after an error.
  std::shared_ptr<Buffer> buffer_of(const Napi::CallbackInfo& info, const char* function) {
    Arguments arguments(info, function);
    const size_t number = arguments.integer(kMostWords);
    if (!arguments.ok() || !open(info, function)) return nullptr;
    const auto found = buffers_.find(static_cast<int64_t>(number));
    if (found != buffers_.end()) return found->second;
    fail(info, std::string(function) + ": the buffer was disposed of");
    return nullptr;
  }

  // (buffer, typed array of its type, offset), all within the buffer; null after an error.
  std::shared_ptr<Buffer> transfer(const Napi::CallbackInfo& info, const char* function, size_t* offset, void** data,
                                   size_t* bytes) {
    const std::shared_ptr<Buffer> buffer = buffer_of(info, function);
    if (buffer == nullptr) return nullptr;
    Arguments arguments(info, function);
    arguments.next();
    size_t length = 0;
    if (buffer->dtype == DType::F32) *data = arguments.array<float>(napi_float32_array, 0, &length);
    else *data = arguments.array<int32_t>(napi_int32_array, 0, &length);
    *offset = arguments.integer(kMostWords);
    if (!arguments.ok()) return nullptr;
    *bytes = length * 4;
    if (*offset <= buffer->length && length <= buffer->length - *offset) return buffer;
    fail(info, std::string(function) + ": entries " + std::to_string(*offset) + " to " + std::to_string(*offset + length) +
                   " of a buffer of " + std::to_string(buffer->length));
    return nullptr;
  }

  const Napi::Env env_;
  napi_threadsafe_function done_ = nullptr;
  std::map<int64_t, std::shared_ptr<Buffer>> buffers_;
  std::map<int64_t, std::shared_ptr<Program>> programs_;
  int64_t last_number_ = 0;
  size_t pending_ = 0;
  bool is_closed_ = false;
  std::unique_ptr<Workshop> shop_;
  std::unique_ptr<JobQueue> queue_;
};

// tensorOperations(): the native table, in the order of `code`.
Napi::Value Table(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto names = [&](std::initializer_list<const char*> list) {
    Napi::Array array = Napi::Array::New(env, list.size());
    for (size_t i = 0; i < list.size(); i++) array.Set(static_cast<uint32_t>(i), list.begin()[i]);
    return array;
  };
  const std::vector<const Operation*> operations = listed_operations();
  Napi::Array result = Napi::Array::New(env, operations.size());
  for (uint32_t i = 0; i < operations.size(); i++) {
    const Operation& operation = *operations[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", operation.name);
    entry.Set("inputs", names(operation.inputs));
    entry.Set("outputs", names(operation.outputs));
    entry.Set("attributes", names(operation.attributes));
    Napi::Array in_place = Napi::Array::New(env), mutates = Napi::Array::New(env);
    for (const Pair& pair : operation.in_place) {
      Napi::Array both = Napi::Array::New(env);
      both.Set(0u, pair.output);
      both.Set(1u, pair.input);
      in_place.Set(in_place.Length(), both);
    }
    for (const uint8_t input : operation.mutates) mutates.Set(mutates.Length(), input);
    entry.Set("inPlace", in_place);
    entry.Set("mutates", mutates);
    entry.Set("variadic", static_cast<double>(operation.variadic));
    result.Set(i, entry);
  }
  return result;
}

// tensorLevel(): the instruction set that the kernels run with.
Napi::Value Level(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), kernels().name); }

}  // namespace

void RegisterTensor(Napi::Env env, Napi::Object exports) {
  exports.Set("TensorBackend", TensorBackend::define(env));
  exports.Set("tensorOperations", Napi::Function::New(env, Table, "tensorOperations"));
  exports.Set("tensorLevel", Napi::Function::New(env, Level, "tensorLevel"));
}
