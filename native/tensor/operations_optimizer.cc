// What follows the gradients in a training step: the global norm, the guard for lost numbers, the clip factor and AdamW.
// All parameters are shared out as if they lay one behind the other (entries.h).
#include <algorithm>
#include <cmath>
#include <cstring>

#include "entries.h"
#include "isa.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

size_t items_of_inputs(const Instruction& instruction) {
  return Flattened::items_of(instruction.inputs.size(), [&](size_t i) { return instruction.inputs[i]; });
}

std::string check_global_norm(const Instruction& instruction) {
  Check check(instruction);
  check.output(0, "norm", {1});
  return check.error();
}

size_t scratch_global_norm(const Instruction& instruction, size_t) {
  return aligned((instruction.inputs.size() + 1) * sizeof(size_t)) + items_of_inputs(instruction) * sizeof(double);
}

void run_global_norm(RunContext& context, const Instruction& instruction) {
  const size_t count = instruction.inputs.size();
  const Flattened all(count, context.scratch_at<size_t>(0), [&](size_t i) { return instruction.inputs[i]; });
  double* const sums = context.scratch_at<double>(aligned((count + 1) * sizeof(size_t)));
  context.split(all.items(), 1, [&](size_t first, size_t end, size_t) {
    for (size_t item = first; item < end; item++) {
      double sum = 0;
      all.parts(item, [&](size_t tensor, size_t from, size_t to) {
        to = std::min(to, instruction.inputs[tensor].length);
        sum += kernels().rows.sum_of_squares(instruction.input(tensor) + from, to - from);
      });
      sums[item] = sum;
    }
  });
  double total = 0;
  for (size_t item = 0; item < all.items(); item++) total += sums[item];
  instruction.output(0)[0] = static_cast<float>(std::sqrt(total));
}

std::string check_count_non_finite(const Instruction& instruction) {
  Check check(instruction);
  check.output(0, "counts", {instruction.inputs.size()});
  return check.error();
}

size_t scratch_count_non_finite(const Instruction& instruction, size_t) {
  const size_t count = instruction.inputs.size();
  return aligned((count + 1) * sizeof(size_t)) + count * sizeof(std::atomic<uint64_t>);
}

void run_count_non_finite(RunContext& context, const Instruction& instruction) {
  const size_t count = instruction.inputs.size();
  const Flattened all(count, context.scratch_at<size_t>(0), [&](size_t i) { return instruction.inputs[i]; });
  // Whole numbers may be added up in any order.
  auto* const found = context.scratch_at<std::atomic<uint64_t>>(aligned((count + 1) * sizeof(size_t)));
  for (size_t i = 0; i < count; i++) new (found + i) std::atomic<uint64_t>(0);
  context.split(all.items(), 1, [&](size_t first, size_t end, size_t) {
    for (size_t item = first; item < end; item++) {
      all.parts(item, [&](size_t tensor, size_t from, size_t to) {
        to = std::min(to, instruction.inputs[tensor].length);
        const size_t lost = kernels().rows.count_non_finite(instruction.input(tensor) + from, to - from);
        if (lost != 0) found[tensor].fetch_add(lost, std::memory_order_relaxed);
      });
    }
  });
  for (size_t i = 0; i < count; i++) instruction.output(0)[i] = static_cast<float>(found[i].load());
}

std::string check_clip_factor(const Instruction& instruction) {
  Check check(instruction);
  check.input(0, "norm", {1});
  check.input(1, "limits", {2});
  check.output(0, "factor", {1});
  return check.error();
}

void run_clip_factor(RunContext&, const Instruction& instruction) {
  const double most = instruction.attributes[0];
  const double scale = static_cast<double>(instruction.input(1)[0]), spike = static_cast<double>(instruction.input(1)[1]);
  const double norm = static_cast<double>(instruction.input(0)[0]) * scale;
  const double clip = most > 0 ? std::min(1.0, most / (norm + 1e-6)) : 1.0;
  instruction.output(0)[0] = std::isfinite(norm) && norm <= spike ? static_cast<float>(clip * scale) : -1.0f;
}

constexpr size_t kAdamwFixed = 2, kAdamwGroup = 4, kAdamwAttributes = 3;

size_t groups_of(const Instruction& instruction) { return (instruction.inputs.size() - kAdamwFixed) / kAdamwGroup; }

std::string check_adamw(const Instruction& instruction) {
  Check check(instruction);
  check.input(0, "scalars", {3});
  check.input(1, "factor", {1});
  const size_t groups = groups_of(instruction);
  check.require(instruction.attributes.size() == kAdamwAttributes + groups, "wants one weight decay for each parameter");
  for (size_t g = 0; g < groups; g++) {
    const size_t at = kAdamwFixed + kAdamwGroup * g, length = instruction.inputs[at].length;
    check.input(at + 1, "gradient", {length});
    check.input(at + 2, "m", {length});
    check.input(at + 3, "v", {length});
  }
  return check.error();
}

size_t scratch_adamw(const Instruction& instruction, size_t) { return (groups_of(instruction) + 1) * sizeof(size_t); }

void run_adamw(RunContext& context, const Instruction& instruction) {
  const float factor = instruction.input(1)[0];
  if (!(factor >= 0)) return;
  const double beta1 = instruction.attributes[0], beta2 = instruction.attributes[1];
  const double rate = static_cast<double>(instruction.input(0)[0]);
  const double correction1 = static_cast<double>(instruction.input(0)[1]);
  const double correction2 = static_cast<double>(instruction.input(0)[2]);
  AdamwStep common{};
  common.factor = factor;
  common.beta1 = static_cast<float>(beta1);
  common.one_minus_beta1 = static_cast<float>(1 - beta1);
  common.beta2 = static_cast<float>(beta2);
  common.one_minus_beta2 = static_cast<float>(1 - beta2);
  common.eps = instruction.number(2);
  common.rate = static_cast<float>(rate / correction1);
  common.inverse_root = static_cast<float>(1 / std::sqrt(correction2));
  const Flattened all(groups_of(instruction), context.scratch_at<size_t>(0), [&](size_t g) {
    return instruction.inputs[kAdamwFixed + kAdamwGroup * g];
  });
  context.split(all.items(), 1, [&](size_t first, size_t end, size_t) {
    for (size_t item = first; item < end; item++) {
      all.parts(item, [&](size_t group, size_t from, size_t to) {
        const size_t at = kAdamwFixed + kAdamwGroup * group;
        to = std::min(to, instruction.inputs[at].length);
        AdamwStep step = common;
        step.decay = static_cast<float>(rate * instruction.attributes[kAdamwAttributes + group]);
        kernels().update.adamw(step, to - from, instruction.mutated(at) + from, instruction.input(at + 1) + from,
                               instruction.mutated(at + 2) + from, instruction.mutated(at + 3) + from);
      });
    }
  });
}

std::string check_dropout(const Instruction& instruction) {
  Check check(instruction);
  const size_t length = check.size(0, "length");
  check.require(instruction.attributes[1] >= 0 && instruction.attributes[1] < 1, "rate must be from 0 to below 1");
  check.require(check.size(2, "stream") <= 0xffffffffu, "stream must be below 2^32");
  check.input(0, "x", {length});
  check.input(1, "seed", {2});
  check.output(0, "y", {length});
  return check.error();
}

void run_dropout(RunContext& context, const Instruction& instruction) {
  const double rate = instruction.attributes[1];
  const float* const x = instruction.input(0);
  const int32_t* const seed = instruction.ids(1);
  float* const y = instruction.output(0);
  DropoutDraw draw{};
  draw.key[0] = static_cast<uint32_t>(seed[0]);
  draw.key[1] = static_cast<uint32_t>(seed[1]);
  draw.stream = static_cast<uint32_t>(instruction.size(2));
  // At most 2^32 - 1 for a rate below 1 - 2^-32.
  draw.threshold = static_cast<uint32_t>(std::min(std::ceil(rate * 4294967296.0), 4294967295.0));
  draw.scale = static_cast<float>(1 / (1 - rate));
  split_entries(context, instruction.size(0), kLeastSlowEntries, [&](size_t from, size_t to) {
    kernels().update.dropout(draw, from, to - from, x + from, y + from);
  }, kDropoutBlock);
}

}  // namespace

Operations optimizer_operations() {
  static const Operation kOperations[] = {
      {"dropout", {"x", "seed:i32"}, {"y"}, {"length", "rate", "stream"}, {{0, 0}}, {}, 0, check_dropout, nullptr, run_dropout},
      {"globalNorm", {"x"}, {"norm"}, {}, {}, {}, 1, check_global_norm, scratch_global_norm, run_global_norm},
      {"countNonFinite", {"x"}, {"counts"}, {}, {}, {}, 1, check_count_non_finite, scratch_count_non_finite,
       run_count_non_finite},
      {"clipFactor", {"norm", "limits"}, {"factor"}, {"maxNorm"}, {}, {}, 0, check_clip_factor, nullptr, run_clip_factor},
      {"adamw", {"scalars", "factor", "parameter", "gradient", "m", "v"}, {}, {"beta1", "beta2", "eps"}, {}, {2, 4, 5}, 4,
       check_adamw, scratch_adamw, run_adamw},
  };
  return kOperations;
}

}  // namespace corpusmill::tensor
