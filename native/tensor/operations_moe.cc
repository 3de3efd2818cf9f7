// Routing of tokens to experts and back: see src/tensor/ops/moe.ts. The products of the experts are operations_matrix.cc's.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "entries.h"
#include "isa.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

constexpr const char* kNoExpert = "is no expert";

std::string check_route(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), experts = check.size(1, "experts", 1), per_token = check.size(2, "perToken", 1);
  check.flag(3, "normalize");
  check.require(per_token <= experts, "perToken must not be more than experts");
  check.require(experts <= 0x7fffffff, "experts must be below 2^31");
  check.input(0, "logits", {rows, experts});
  check.output(0, "probabilities", {rows, experts});
  check.output(1, "weights", {rows, per_token});
  check.output(2, "chosen", {rows, per_token});
  return check.error();
}

// The perToken largest of `p` in falling order, a tie to the lower index: one pass with a short sorted list, into which few
// entries come.
void choose_largest(const float* p, size_t experts, size_t per_token, int32_t* chosen) {
  size_t held = 0;
  for (size_t e = 0; e < experts; e++) {
    if (held == per_token && !(p[e] > p[chosen[held - 1]])) continue;
    size_t at = held < per_token ? held++ : held - 1;
    for (; at > 0 && p[e] > p[chosen[at - 1]]; at--) chosen[at] = chosen[at - 1];
    chosen[at] = static_cast<int32_t>(e);
  }
}

void run_route(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), experts = instruction.size(1), per_token = instruction.size(2);
  const bool normalize = instruction.flag(3);
  context.split(rows, 4 * least_rows(16 * experts), [&](size_t from, size_t to, size_t) {
    for (size_t r = from; r < to; r++) {
      float* const p = instruction.output(0) + r * experts;
      float* const weights = instruction.output(1) + r * per_token;
      int32_t* const chosen = instruction.id_output(2) + r * per_token;
      kernels().rows.softmax(instruction.input(0) + r * experts, experts, p);
      choose_largest(p, experts, per_token, chosen);
      float total = 0;
      for (size_t i = 0; i < per_token; i++) total += weights[i] = p[chosen[i]];
      for (size_t i = 0; normalize && i < per_token; i++) weights[i] /= total;
    }
  });
}

std::string check_route_grad(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), experts = check.size(1, "experts", 1), per_token = check.size(2, "perToken", 1);
  check.flag(3, "normalize");
  check.require(experts <= 0x7fffffff, "experts must be below 2^31");
  check.input(0, "dweights", {rows, per_token});
  check.input(1, "probabilities", {rows, experts});
  check.input(2, "weights", {rows, per_token});
  check.input(3, "chosen", {rows, per_token});
  check.input(4, "dprobabilities", {rows, experts});
  check.output(0, "dlogits", {rows, experts});
  return check.error();
}

// With d the gradient of the probabilities: dlogits = p·(d - Σ p·d). Renormalised weights w = p / total give the chosen
// ones (dw - Σ dw·w) / total.
void run_route_grad(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), experts = instruction.size(1), per_token = instruction.size(2);
  const bool normalize = instruction.flag(3);
  const float* const more = instruction.input(4);
  const int32_t* const all_chosen = instruction.ids(3);
  context.split(rows, 4 * least_rows(16 * experts), [&](size_t from, size_t to, size_t) {
    if (!context.check_ids(3, all_chosen, from * per_token, to * per_token, 0, static_cast<int64_t>(experts), kNoExpert)) return;
    for (size_t r = from; r < to; r++) {
      const float* const dweights = instruction.input(0) + r * per_token;
      const float* const p = instruction.input(1) + r * experts;
      const float* const weights = instruction.input(2) + r * per_token;
      const int32_t* const chosen = all_chosen + r * per_token;
      float* const d = instruction.output(0) + r * experts;
      if (more == nullptr) std::memset(d, 0, experts * sizeof(float));
      else std::memcpy(d, more + r * experts, experts * sizeof(float));
      double total = 1, mean = 0;
      if (normalize) {
        total = 0;
        for (size_t i = 0; i < per_token; i++) {
          total += static_cast<double>(p[chosen[i]]);
          mean += static_cast<double>(dweights[i]) * static_cast<double>(weights[i]);
        }
      }
      for (size_t i = 0; i < per_token; i++) {
        d[chosen[i]] += static_cast<float>((static_cast<double>(dweights[i]) - mean) / total);
      }
      double dot = 0;
      for (size_t e = 0; e < experts; e++) dot += static_cast<double>(d[e]) * static_cast<double>(p[e]);
      for (size_t e = 0; e < experts; e++) d[e] = static_cast<float>(static_cast<double>(p[e]) * (static_cast<double>(d[e]) - dot));
    }
  });
}

std::string check_sort(const Instruction& instruction) {
  Check check(instruction);
  const size_t slots = check.size(0, "slots"), experts = check.size(1, "experts", 1);
  check.require(slots <= 0x7fffffff, "slots must be below 2^31");
  check.input(0, "chosen", {slots});
  check.output(0, "order", {slots});
  check.output(1, "inverse", {slots});
  check.output(2, "offsets", {experts + 1});
  return check.error();
}

size_t scratch_sort(const Instruction& instruction, size_t) { return instruction.size(1) * sizeof(int32_t); }

// A counting sort; on one thread, as its slots are few beside the entries of their rows.
void run_sort(RunContext& context, const Instruction& instruction) {
  const size_t slots = instruction.size(0), experts = instruction.size(1);
  const int32_t* const chosen = instruction.ids(0);
  int32_t* const order = instruction.id_output(0);
  int32_t* const inverse = instruction.id_output(1);
  int32_t* const offsets = instruction.id_output(2);
  if (!context.check_ids(0, chosen, 0, slots, 0, static_cast<int64_t>(experts), kNoExpert)) return;
  std::memset(offsets, 0, (experts + 1) * sizeof(int32_t));
  for (size_t s = 0; s < slots; s++) offsets[chosen[s] + 1]++;
  for (size_t e = 0; e < experts; e++) offsets[e + 1] += offsets[e];
  int32_t* const next = context.scratch_at<int32_t>(0);
  std::memcpy(next, offsets, experts * sizeof(int32_t));
  for (size_t s = 0; s < slots; s++) {
    const int32_t row = next[chosen[s]]++;
    order[row] = static_cast<int32_t>(s);
    inverse[s] = row;
  }
}

std::string check_dispatch(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns"), per_token = check.size(2, "perToken", 1);
  check.input(0, "x", {rows, columns});
  check.input(1, "order", {rows, per_token});
  check.output(0, "out", {rows, per_token, columns});
  return check.error();
}

void run_dispatch(RunContext& context, const Instruction& instruction) {
  const size_t columns = instruction.size(1), per_token = instruction.size(2), slots = instruction.size(0) * per_token;
  const float* const x = instruction.input(0);
  const int32_t* const order = instruction.ids(1);
  float* const out = instruction.output(0);
  if (columns == 0) return;
  context.split(slots, least_rows(columns), [&](size_t from, size_t to, size_t) {
    if (!context.check_ids(1, order, from, to, 0, static_cast<int64_t>(slots), "is no slot")) return;
    for (size_t r = from; r < to; r++) {
      const size_t token = static_cast<size_t>(order[r]) / per_token;
      std::memcpy(out + r * columns, x + token * columns, columns * sizeof(float));
    }
  });
}

std::string check_combine(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns"), per_token = check.size(2, "perToken", 1);
  check.input(0, "y", {rows, per_token, columns});
  check.input(1, "weights", {rows, per_token});
  check.input(2, "inverse", {rows, per_token});
  check.output(0, "out", {rows, columns});
  return check.error();
}

void run_combine(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1), per_token = instruction.size(2);
  const float* const y = instruction.input(0);
  const float* const weights = instruction.input(1);
  const int32_t* const inverse = instruction.ids(2);
  const RowKernels& kernel = kernels().rows;
  const int64_t limit = static_cast<int64_t>(rows * per_token);
  context.split(rows, least_rows(columns * per_token), [&](size_t from, size_t to, size_t) {
    if (!context.check_ids(2, inverse, from * per_token, to * per_token, 0, limit, "is no row of the experts' outputs")) return;
    for (size_t t = from; t < to; t++) {
      float* const out = instruction.output(0) + t * columns;
      for (size_t slot = t * per_token; slot < (t + 1) * per_token; slot++) {
        const float* const row = y + static_cast<size_t>(inverse[slot]) * columns;
        const float weight = weights == nullptr ? 1.0f : weights[slot];
        if (slot == t * per_token) kernel.scale_row(row, weight, columns, out);
        else kernel.add_scaled_row(row, weight, columns, out);
      }
    }
  });
}

std::string check_combine_grad(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns"), per_token = check.size(2, "perToken", 1);
  check.input(0, "dout", {rows, columns});
  check.input(1, "y", {rows, per_token, columns});
  check.input(2, "weights", {rows, per_token});
  check.input(3, "order", {rows, per_token});
  check.input(4, "inverse", {rows, per_token});
  check.output(0, "dy", {rows, per_token, columns});
  check.output(1, "dweights", {rows, per_token});
  return check.error();
}

// In the order of the experts' rows, so that y and dy are passed through from end to end.
void run_combine_grad(RunContext& context, const Instruction& instruction) {
  const size_t columns = instruction.size(1), per_token = instruction.size(2), slots = instruction.size(0) * per_token;
  const float* const dout = instruction.input(0);
  const float* const y = instruction.input(1);
  const float* const weights = instruction.input(2);
  const int32_t* const order = instruction.ids(3);
  const auto scale_and_dot = kernels().rows.scale_and_dot;
  context.split(slots, least_rows(columns), [&](size_t from, size_t to, size_t) {
    if (!context.check_ids(3, order, from, to, 0, static_cast<int64_t>(slots), "is no slot")) return;
    for (size_t r = from; r < to; r++) {
      const size_t slot = static_cast<size_t>(order[r]);
      instruction.output(1)[slot] = scale_and_dot(dout + slot / per_token * columns, weights[slot], y + r * columns, columns,
                                                  instruction.output(0) + r * columns);
    }
  });
}

std::string check_counts(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), experts = check.size(1, "experts", 1), per_token = check.size(2, "perToken", 1);
  check.input(0, "chosen", {rows, per_token});
  check.input(1, "mask", {rows});
  check.output(0, "counts", {experts});
  return check.error();
}

size_t scratch_counts(const Instruction& instruction, size_t) { return instruction.size(1) * sizeof(uint64_t); }

void run_counts(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), experts = instruction.size(1), per_token = instruction.size(2);
  const int32_t* const chosen = instruction.ids(0);
  const float* const mask = instruction.input(1);
  if (!context.check_ids(0, chosen, 0, rows * per_token, 0, static_cast<int64_t>(experts), kNoExpert)) return;
  // Integers, as float32 counts no further than 2^24.
  uint64_t* const counts = context.scratch_at<uint64_t>(0);
  std::memset(counts, 0, experts * sizeof(uint64_t));
  for (size_t t = 0; t < rows; t++) {
    if (mask != nullptr && mask[t] == 0) continue;
    for (size_t slot = t * per_token; slot < (t + 1) * per_token; slot++) counts[chosen[slot]]++;
  }
  for (size_t e = 0; e < experts; e++) instruction.output(0)[e] = static_cast<float>(counts[e]);
}

}  // namespace

Operations moe_operations() {
  static const Operation kOperations[] = {
      {"routeTopK", {"logits"}, {"probabilities", "weights", "chosen:i32"}, {"rows", "experts", "perToken", "normalize"}, {},
       {}, 0, check_route, nullptr, run_route},
      {"routeTopKGrad", {"dweights", "probabilities", "weights", "chosen:i32", "dprobabilities?"}, {"dlogits"},
       {"rows", "experts", "perToken", "normalize"}, {}, {}, 0, check_route_grad, nullptr, run_route_grad},
      {"routeSort", {"chosen:i32"}, {"order:i32", "inverse:i32", "offsets:i32"}, {"slots", "experts"}, {}, {}, 0, check_sort,
       scratch_sort, run_sort},
      {"moeDispatch", {"x", "order:i32"}, {"out"}, {"rows", "columns", "perToken"}, {}, {}, 0, check_dispatch, nullptr,
       run_dispatch},
      {"moeCombine", {"y", "weights?", "inverse:i32"}, {"out"}, {"rows", "columns", "perToken"}, {}, {}, 0, check_combine,
       nullptr, run_combine},
      {"moeCombineGrad", {"dout", "y", "weights", "order:i32", "inverse:i32"}, {"dy", "dweights"},
       {"rows", "columns", "perToken"}, {}, {}, 0, check_combine_grad, nullptr, run_combine_grad},
      {"expertCounts", {"chosen:i32", "mask?"}, {"counts"}, {"rows", "experts", "perToken"}, {}, {}, 0, check_counts,
       scratch_counts, run_counts},
  };
  return kOperations;
}

}  // namespace corpusmill::tensor
