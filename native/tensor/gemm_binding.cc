// JavaScript's door to gemm.cc, for tests and benches: training calls gemm.h itself. Synchronous, on threads of its own.

#include <napi.h>

#include <memory>
#include <mutex>

#include "../arguments.h"
#include "gemm.h"
#include "isa.h"

namespace {

using corpusmill::Arguments;
using corpusmill::ThreadTeam;
using namespace corpusmill::tensor;

constexpr double kMostSize = 0x7fffffff;
constexpr double kMostThreads = 256;

// One team for all threads of JavaScript, which take turns.
std::mutex team_mutex;
std::unique_ptr<ThreadTeam> team;

ThreadTeam& the_team() {
  if (team == nullptr) team = std::make_unique<ThreadTeam>(1);
  return *team;
}

struct Floats {
  float* data = nullptr;
  size_t length = 0;
};

Floats floats(Arguments& arguments, size_t least) {
  Floats found;
  found.data = arguments.own_array<float>(napi_float32_array, least, &found.length);
  return found;
}

bool overlap(const Floats& a, const Floats& b) {
  return a.length > 0 && b.length > 0 && a.data < b.data + b.length && b.data < a.data + a.length;
}

// Floats from the first to behind the last of a matrix.
size_t extent(size_t rows, size_t columns, size_t row) {
  return rows == 0 || columns == 0 ? 0 : (rows - 1) * (row == 0 ? columns : row) + columns;
}

// A row's distance: 0, or at least its length.
size_t distance(Arguments& arguments, size_t columns) {
  const size_t row = arguments.integer(kMostSize);
  if (row != 0 && row < columns) arguments.fail("is less than the length of a row");
  return row;
}

// gemm(m, n, k, transposeA, transposeB, aRow, bRow, cRow, alpha, accumulate, a, b, c, bias?): void
Napi::Value Gemm(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "gemm");
  GemmShape shape;
  shape.m = arguments.integer(kMostSize);
  shape.n = arguments.integer(kMostSize);
  shape.k = arguments.integer(kMostSize);
  shape.transpose_a = arguments.integer(1) == 1;
  shape.transpose_b = arguments.integer(1) == 1;
  const size_t a_rows = shape.transpose_a ? shape.k : shape.m, a_columns = shape.transpose_a ? shape.m : shape.k;
  const size_t b_rows = shape.transpose_b ? shape.n : shape.k, b_columns = shape.transpose_b ? shape.k : shape.n;
  shape.a_row = distance(arguments, a_columns);
  shape.b_row = distance(arguments, b_columns);
  shape.c_row = distance(arguments, shape.n);
  shape.alpha = static_cast<float>(arguments.number());
  shape.accumulate = arguments.integer(1) == 1;
  const Floats a = floats(arguments, extent(a_rows, a_columns, shape.a_row));
  const Floats b = floats(arguments, extent(b_rows, b_columns, shape.b_row));
  const Floats c = floats(arguments, extent(shape.m, shape.n, shape.c_row));
  if (arguments.ok() && (overlap(a, c) || overlap(b, c))) arguments.fail("overlaps a or b");
  const Floats bias = info[13].IsUndefined() ? Floats{} : floats(arguments, shape.n);
  if (arguments.ok() && overlap(bias, c)) arguments.fail("overlaps c");
  if (!arguments.ok()) return info.Env().Undefined();
  const std::lock_guard<std::mutex> turn(team_mutex);
  gemm(the_team(), shape, a.data, b.data, c.data, bias.data);
  return info.Env().Undefined();
}

// The sizes and offsets of a grouped product; the rows of A are those that the offsets name.
GroupedShape grouped_shape(Arguments& arguments) {
  GroupedShape shape;
  shape.n = arguments.integer(kMostSize);
  shape.k = arguments.integer(kMostSize);
  size_t entries = 0;
  const int32_t* const offsets = arguments.own_array<int32_t>(napi_int32_array, 1, &entries);
  if (!arguments.ok()) return shape;
  for (size_t e = 0; e < entries; e++) {
    if (offsets[e] < (e == 0 ? 0 : offsets[e - 1])) {
      arguments.fail("does not ascend from 0 on");
      return shape;
    }
  }
  shape.experts = entries - 1;
  shape.offsets = offsets;
  return shape;
}

// groupedGemm(n, k, offsets, transposeB, alpha, accumulate, a, b, c): void
Napi::Value GroupedGemm(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "groupedGemm");
  GroupedShape shape = grouped_shape(arguments);
  shape.transpose_b = arguments.integer(1) == 1;
  shape.alpha = static_cast<float>(arguments.number());
  shape.accumulate = arguments.integer(1) == 1;
  const size_t rows = arguments.ok() ? static_cast<size_t>(shape.offsets[shape.experts]) : 0;
  const Floats a = floats(arguments, rows * shape.k);
  const Floats b = floats(arguments, shape.n * shape.k == 0 ? 0 : shape.experts * (shape.n * shape.k));
  const Floats c = floats(arguments, rows * shape.n);
  if (arguments.ok() && (overlap(a, c) || overlap(b, c))) arguments.fail("overlaps a or b");
  if (!arguments.ok()) return info.Env().Undefined();
  const std::lock_guard<std::mutex> turn(team_mutex);
  grouped_gemm(the_team(), shape, a.data, b.data, c.data);
  return info.Env().Undefined();
}

// groupedGemmWeights(n, k, offsets, alpha, accumulate, a, b, c): void
Napi::Value GroupedGemmWeights(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "groupedGemmWeights");
  GroupedShape shape = grouped_shape(arguments);
  shape.alpha = static_cast<float>(arguments.number());
  shape.accumulate = arguments.integer(1) == 1;
  const size_t rows = arguments.ok() ? static_cast<size_t>(shape.offsets[shape.experts]) : 0;
  const Floats a = floats(arguments, rows * shape.n);
  const Floats b = floats(arguments, rows * shape.k);
  const Floats c = floats(arguments, shape.n * shape.k == 0 ? 0 : shape.experts * (shape.n * shape.k));
  if (arguments.ok() && (overlap(a, c) || overlap(b, c))) arguments.fail("overlaps a or b");
  if (!arguments.ok()) return info.Env().Undefined();
  const std::lock_guard<std::mutex> turn(team_mutex);
  grouped_gemm_weights(the_team(), shape, a.data, b.data, c.data);
  return info.Env().Undefined();
}

// setThreads(threads): void
Napi::Value SetThreads(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "setThreads");
  const size_t threads = arguments.integer(kMostThreads);
  if (arguments.ok() && threads == 0) arguments.fail("is 0");
  if (!arguments.ok()) return info.Env().Undefined();
  const std::lock_guard<std::mutex> turn(team_mutex);
  if (the_team().size() != threads) team = std::make_unique<ThreadTeam>(threads);
  return info.Env().Undefined();
}

// fmaPeak(threads, seconds): number, GFLOP/s
Napi::Value FmaPeak(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "fmaPeak");
  const size_t threads = arguments.integer(kMostThreads);
  if (arguments.ok() && threads == 0) arguments.fail("is 0");
  const double seconds = arguments.number();
  if (arguments.ok() && !(seconds >= 0 && seconds <= 60)) arguments.fail("is not from 0 to 60");
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), fma_peak(threads, seconds));
}

// isa(): string
Napi::Value IsaName(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), kernels().name); }

// isas(): string[], slowest first
Napi::Value IsaNames(const Napi::CallbackInfo& info) {
  const KernelTable* levels[4];
  const size_t count = runnable_levels(levels);
  Napi::Array names = Napi::Array::New(info.Env(), count);
  for (size_t i = 0; i < count; i++) names.Set(static_cast<uint32_t>(i), Napi::String::New(info.Env(), levels[i]->name));
  return names;
}

}  // namespace

void RegisterGemm(Napi::Env env, Napi::Object exports) {
  Napi::Object door = Napi::Object::New(env);
  door.Set("gemm", Napi::Function::New(env, Gemm, "gemm"));
  door.Set("groupedGemm", Napi::Function::New(env, GroupedGemm, "groupedGemm"));
  door.Set("groupedGemmWeights", Napi::Function::New(env, GroupedGemmWeights, "groupedGemmWeights"));
  door.Set("setThreads", Napi::Function::New(env, SetThreads, "setThreads"));
  door.Set("fmaPeak", Napi::Function::New(env, FmaPeak, "fmaPeak"));
  door.Set("isa", Napi::Function::New(env, IsaName, "isa"));
  door.Set("isas", Napi::Function::New(env, IsaNames, "isas"));
  exports.Set("matmul", door);
}
