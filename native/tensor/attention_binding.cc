// JavaScript's door to attention.cc, for tests and benches: checks arguments, computes on this thread and those of a team
// that is kept, and returns when it is done. Programs of a model call attention.h themselves.

#include <napi.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "../arguments.h"
#include "attention.h"
#include "attention_mask.h"
#include "isa.h"

namespace {

using corpusmill::Arguments;
using corpusmill::ThreadTeam;
using namespace corpusmill::tensor;

constexpr double kMostKeys = (1 << 24) - 1;
constexpr size_t kMostEntries = size_t{1} << 33;

struct Call {
  AttentionShape shape;
  AttentionMask mask;
  size_t threads;
  const KernelTable* table;
  size_t query_entries, key_entries, lse_entries;
};

// An optional Int32Array.
const int32_t* optional_ints(const Napi::CallbackInfo& info, size_t index, Arguments& arguments, size_t entries) {
  if (info[index].IsUndefined()) {
    arguments.next();
    return nullptr;
  }
  return arguments.array<int32_t>(napi_int32_array, entries);
}

// Reads the arguments that both directions begin with: level, threads, sizes, scale, causal, window, segmentIds, prefix,
// keyRange. `sizes`: batch, queries, keys, queryHeads, keyHeads, headSize.
bool read_call(const Napi::CallbackInfo& info, Arguments& arguments, Call* call) {
  const KernelTable* levels[4];
  call->table = nullptr;
  const size_t level_count = runnable_levels(levels);
  const size_t level = arguments.integer(static_cast<double>(level_count));
  if (!arguments.ok()) return false;
  call->table = level == level_count ? &kernels() : levels[level];
  call->threads = std::max<size_t>(1, arguments.integer(256));
  const int32_t* const sizes = arguments.array<int32_t>(napi_int32_array, 6);
  if (!arguments.ok()) return false;
  for (size_t i = 0; i < 6; i++) {
    // No keys or no queries is a call that has nothing to do; the other sizes are those of a model.
    if (sizes[i] < (i == 1 || i == 2 ? 0 : 1) || sizes[i] > kMostKeys) {
      arguments.fail("has a size out of range");
      return false;
    }
  }
  AttentionShape& shape = call->shape;
  shape.batch = static_cast<size_t>(sizes[0]);
  shape.queries = static_cast<size_t>(sizes[1]);
  shape.keys = static_cast<size_t>(sizes[2]);
  shape.query_heads = static_cast<size_t>(sizes[3]);
  shape.key_heads = static_cast<size_t>(sizes[4]);
  shape.head_size = static_cast<size_t>(sizes[5]);
  const double query_entries =
      1.0 * sizes[0] * std::max(1, sizes[1]) * sizes[3] * static_cast<double>(sizes[5]);
  const double key_entries = 1.0 * sizes[0] * std::max(1, sizes[2]) * sizes[4] * static_cast<double>(sizes[5]);
  if (shape.query_heads % shape.key_heads != 0 || query_entries > static_cast<double>(kMostEntries) ||
      key_entries > static_cast<double>(kMostEntries)) {
    arguments.fail("has query heads that are no multiple of key heads, or is too large");
    return false;
  }
  call->query_entries = shape.batch * shape.queries * shape.query_heads * shape.head_size;
  call->key_entries = shape.batch * shape.keys * shape.key_heads * shape.head_size;
  call->lse_entries = shape.batch * shape.queries * shape.query_heads;
  shape.scale = static_cast<float>(arguments.number());
  call->mask.causal = arguments.integer(1) != 0;
  call->mask.window = arguments.integer(kMostKeys);
  call->mask.segment_ids = optional_ints(info, 6, arguments, shape.batch * shape.keys);
  if (call->mask.segment_ids != nullptr && arguments.ok()) {
    if (shape.queries != shape.keys) arguments.fail("needs as many queries as keys");
    for (size_t b = 0; b < shape.batch && arguments.ok(); b++) {
      const int32_t* const ids = call->mask.segment_ids + b * shape.keys;
      if (!std::is_sorted(ids, ids + shape.keys)) arguments.fail("must not decrease within a row");
    }
  }
  call->mask.prefix = optional_ints(info, 7, arguments, shape.batch);
  call->mask.key_range = optional_ints(info, 8, arguments, 2 * shape.batch);
  return arguments.ok();
}

// One team and one scratch memory for the process; calls from several JavaScript threads take turns.
template <typename Body>
void with_team(size_t threads, size_t scratch_floats, const Body& body) {
  static std::mutex mutex;
  static std::unique_ptr<ThreadTeam> team;
  static std::vector<float> scratch;
  const std::lock_guard<std::mutex> lock(mutex);
  if (team == nullptr || team->size() != threads) team = std::make_unique<ThreadTeam>(threads);
  if (scratch.size() < scratch_floats) scratch.resize(scratch_floats);
  body(*team, scratch.data());
}

// attentionForward(…call, q, k, v, out, lse, qSuccessive?, qInter?, chunkLength)
Napi::Value Forward(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "attentionForward");
  Call call{};
  if (!read_call(info, arguments, &call)) return info.Env().Undefined();
  const float* const q = arguments.array<float>(napi_float32_array, call.query_entries);
  const float* const k = arguments.array<float>(napi_float32_array, call.key_entries);
  const float* const v = arguments.array<float>(napi_float32_array, call.key_entries);
  float* const out = arguments.array<float>(napi_float32_array, call.query_entries);
  float* const lse = arguments.array<float>(napi_float32_array, call.lse_entries);
  AttentionChunks chunks{};
  const bool has_chunks = !info[14].IsUndefined();
  if (has_chunks) {
    chunks.q_successive = arguments.array<float>(napi_float32_array, call.query_entries);
    chunks.q_inter = arguments.array<float>(napi_float32_array, call.query_entries);
    chunks.length = arguments.integer(kMostKeys);
    if (chunks.length == 0) arguments.fail("must be at least 1");
  }
  if (!arguments.ok()) return info.Env().Undefined();
  with_team(call.threads, attention_forward_scratch(call.shape, call.threads, call.table),
            [&](ThreadTeam& team, float* scratch) {
              attention_forward(team, call.shape, call.mask, q, k, v, out, lse, scratch,
                                has_chunks ? &chunks : nullptr, call.table);
            });
  return info.Env().Undefined();
}

// attentionBackward(…call, dout, q, k, v, out, lse, dq, dk, dv)
Napi::Value Backward(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "attentionBackward");
  Call call{};
  if (!read_call(info, arguments, &call)) return info.Env().Undefined();
  const float* const dout = arguments.array<float>(napi_float32_array, call.query_entries);
  const float* const q = arguments.array<float>(napi_float32_array, call.query_entries);
  const float* const k = arguments.array<float>(napi_float32_array, call.key_entries);
  const float* const v = arguments.array<float>(napi_float32_array, call.key_entries);
  const float* const out = arguments.array<float>(napi_float32_array, call.query_entries);
  const float* const lse = arguments.array<float>(napi_float32_array, call.lse_entries);
  float* const dq = arguments.array<float>(napi_float32_array, call.query_entries);
  float* const dk = arguments.array<float>(napi_float32_array, call.key_entries);
  float* const dv = arguments.array<float>(napi_float32_array, call.key_entries);
  if (!arguments.ok()) return info.Env().Undefined();
  with_team(call.threads, attention_backward_scratch(call.shape, call.threads, call.table),
            [&](ThreadTeam& team, float* scratch) {
              attention_backward(team, call.shape, call.mask, dout, q, k, v, out, lse, dq, dk, dv, scratch, call.table);
            });
  return info.Env().Undefined();
}

// attentionLevels(): names of the instruction sets that this processor runs, slowest first.
Napi::Value Levels(const Napi::CallbackInfo& info) {
  const KernelTable* levels[4];
  const size_t count = runnable_levels(levels);
  Napi::Array names = Napi::Array::New(info.Env(), count);
  for (size_t i = 0; i < count; i++) names.Set(static_cast<uint32_t>(i), levels[i]->name);
  return names;
}

}  // namespace

void RegisterAttention(Napi::Env env, Napi::Object exports) {
  exports.Set("attentionForward", Napi::Function::New(env, Forward, "attentionForward"));
  exports.Set("attentionBackward", Napi::Function::New(env, Backward, "attentionBackward"));
  exports.Set("attentionLevels", Napi::Function::New(env, Levels, "attentionLevels"));
}
