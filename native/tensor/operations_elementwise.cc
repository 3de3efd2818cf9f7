// Entry-by-entry operations: sizes checked, the work done by elementwise_kernels.inl.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "elementwise_kernels.h"
#include "entries.h"
#include "isa.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

const ElementwiseKernels& elementwise() { return kernels().elementwise; }

// Every operand has attribute 0, `length`, entries.
std::string check_lengths(const Instruction& instruction) {
  Check check(instruction);
  const size_t length = check.size(0, "length");
  static const char* const kInputs[] = {"input 0", "input 1", "input 2"};
  for (size_t i = 0; i < instruction.inputs.size(); i++) check.input(i, kInputs[i], {length});
  for (size_t i = 0; i < instruction.outputs.size(); i++) check.output(i, i == 0 ? "output 0" : "output 1", {length});
  return check.error();
}

std::string check_unary(const Instruction& instruction) {
  Check check(instruction);
  check.kind(1, "kind", kUnaryKinds);
  return check.ok() ? check_lengths(instruction) : check.error();
}

void run_unary(RunContext& context, const Instruction& instruction) {
  const auto kernel = elementwise().unary[instruction.size(1)];
  const float* const x = instruction.input(0);
  float* const y = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastSlowEntries, [&](size_t from, size_t to) {
    kernel(x + from, to - from, y + from);
  });
}

void run_unary_grad(RunContext& context, const Instruction& instruction) {
  const auto kernel = elementwise().unary_grad[instruction.size(1)];
  const float* const dy = instruction.input(0);
  const float* const x = instruction.input(1);
  float* const dx = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastSlowEntries, [&](size_t from, size_t to) {
    kernel(dy + from, x + from, to - from, dx + from);
  });
}

enum Broadcast : size_t { kNone, kScalar, kRows, kColumns, kBroadcasts };

std::string check_binary(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns");
  check.kind(2, "kind", kBinaryKinds);
  const size_t broadcast = check.kind(3, "broadcast", kBroadcasts);
  check.input(0, "a", {rows, columns});
  if (broadcast == kNone) check.input(1, "b", {rows, columns});
  else check.input(1, "b", {broadcast == kScalar ? 1 : broadcast == kRows ? rows : columns});
  check.output(0, "out", {rows, columns});
  return check.error();
}

void run_binary(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1), kind = instruction.size(2);
  const size_t broadcast = instruction.size(3);
  const float* const a = instruction.input(0);
  const float* const b = instruction.input(1);
  float* const out = instruction.output(0);
  const auto both = elementwise().binary[kind];
  const auto number = elementwise().binary_number[kind];
  if (broadcast == kNone) {
    split_entries(context, rows * columns, kLeastEntries, [&](size_t from, size_t to) {
      both(a + from, b + from, to - from, out + from);
    });
  } else if (broadcast == kScalar) {
    const float value = rows * columns == 0 ? 0 : b[0];
    split_entries(context, rows * columns, kLeastEntries, [&](size_t from, size_t to) {
      number(a + from, value, to - from, out + from);
    });
  } else {
    context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
      for (size_t r = from; r < to; r++) {
        if (broadcast == kRows) number(a + r * columns, b[r], columns, out + r * columns);
        else both(a + r * columns, b, columns, out + r * columns);
      }
    });
  }
}

void run_affine(RunContext& context, const Instruction& instruction) {
  const float* const x = instruction.input(0);
  float* const y = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    elementwise().affine(x + from, instruction.number(1), instruction.number(2), to - from, y + from);
  });
}

void run_clamp(RunContext& context, const Instruction& instruction) {
  const float* const x = instruction.input(0);
  float* const y = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    elementwise().clamp(x + from, instruction.number(1), instruction.number(2), to - from, y + from);
  });
}

void run_clamp_grad(RunContext& context, const Instruction& instruction) {
  const float* const dy = instruction.input(0);
  const float* const x = instruction.input(1);
  float* const dx = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    elementwise().clamp_grad(dy + from, x + from, instruction.number(1), instruction.number(2), to - from, dx + from);
  });
}

void run_select(RunContext& context, const Instruction& instruction) {
  const float* const condition = instruction.input(0);
  const float* const a = instruction.input(1);
  const float* const b = instruction.input(2);
  float* const out = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    elementwise().select(condition + from, a + from, b + from, to - from, out + from);
  });
}

void run_swiglu(RunContext& context, const Instruction& instruction) {
  const float* const gate = instruction.input(0);
  const float* const up = instruction.input(1);
  float* const y = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastSlowEntries, [&](size_t from, size_t to) {
    elementwise().swiglu(gate + from, up + from, to - from, y + from);
  });
}

void run_swiglu_grad(RunContext& context, const Instruction& instruction) {
  const float* const dy = instruction.input(0);
  const float* const gate = instruction.input(1);
  const float* const up = instruction.input(2);
  float* const dgate = instruction.output(0);
  float* const dup = instruction.output(1);
  split_entries(context, instruction.size(0), kLeastSlowEntries, [&](size_t from, size_t to) {
    elementwise().swiglu_grad(dy + from, gate + from, up + from, to - from, dgate + from, dup + from);
  });
}

std::string check_round_to(const Instruction& instruction) {
  Check check(instruction);
  check.kind(1, "kind", 2);
  return check.ok() ? check_lengths(instruction) : check.error();
}

void run_round_to(RunContext& context, const Instruction& instruction) {
  const auto kernel = elementwise().round_to[instruction.size(1)];
  const float* const x = instruction.input(0);
  float* const y = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    kernel(x + from, to - from, y + from);
  });
}

void run_copy(RunContext& context, const Instruction& instruction) {
  const float* const x = instruction.input(0);
  float* const y = instruction.output(0);
  if (x == y) return;
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    std::memcpy(y + from, x + from, (to - from) * sizeof(float));
  });
}

void run_fill(RunContext& context, const Instruction& instruction) {
  float* const y = instruction.output(0);
  split_entries(context, instruction.size(0), kLeastEntries, [&](size_t from, size_t to) {
    elementwise().fill(instruction.number(1), to - from, y + from);
  });
}

}  // namespace

Operations elementwise_operations() {
  static const Operation kOperations[] = {
      {"unary", {"x"}, {"y"}, {"length", "kind"}, {{0, 0}}, {}, 0, check_unary, nullptr, run_unary},
      {"unaryGrad", {"dy", "x"}, {"dx"}, {"length", "kind"}, {{0, 0}, {0, 1}}, {}, 0, check_unary, nullptr, run_unary_grad},
      {"binary", {"a", "b"}, {"out"}, {"rows", "columns", "kind", "broadcast"}, {{0, 0}}, {}, 0, check_binary, nullptr, run_binary},
      {"affine", {"x"}, {"y"}, {"length", "scale", "shift"}, {{0, 0}}, {}, 0, check_lengths, nullptr, run_affine},
      {"clamp", {"x"}, {"y"}, {"length", "low", "high"}, {{0, 0}}, {}, 0, check_lengths, nullptr, run_clamp},
      {"clampGrad", {"dy", "x"}, {"dx"}, {"length", "low", "high"}, {{0, 0}}, {}, 0, check_lengths, nullptr, run_clamp_grad},
      {"select", {"condition", "a", "b"}, {"out"}, {"length"}, {{0, 1}, {0, 2}}, {}, 0, check_lengths, nullptr, run_select},
      {"swiglu", {"gate", "up"}, {"y"}, {"length"}, {{0, 0}, {0, 1}}, {}, 0, check_lengths, nullptr, run_swiglu},
      {"swigluGrad", {"dy", "gate", "up"}, {"dgate", "dup"}, {"length"}, {{0, 1}, {1, 2}}, {}, 0, check_lengths, nullptr, run_swiglu_grad},
      {"roundTo", {"x"}, {"y"}, {"length", "kind"}, {{0, 0}}, {}, 0, check_round_to, nullptr, run_round_to},
      {"copy", {"x"}, {"y"}, {"length"}, {{0, 0}}, {}, 0, check_lengths, nullptr, run_copy},
      {"fill", {}, {"y"}, {"length", "value"}, {}, {}, 0, check_lengths, nullptr, run_fill},
  };
  return kOperations;
}

}  // namespace corpusmill::tensor
