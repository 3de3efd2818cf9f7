// Matrix products as operations: sizes and offsets checked, the work done by gemm.cc.
#include <algorithm>
#include <cstring>

#include "gemm.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

// What is added to lies in the output before the product is.
void lay_down(RunContext& context, const Instruction& instruction, size_t addend) {
  const float* const from = instruction.input(addend);
  float* const to = instruction.output(0);
  if (from == nullptr || from == to) return;
  context.split(instruction.outputs[0].length, 1 << 14, [&](size_t begin, size_t end, size_t) {
    std::memcpy(to + begin, from + begin, (end - begin) * sizeof(float));
  });
}

std::string check_matmul(const Instruction& instruction) {
  Check check(instruction);
  const size_t m = check.size(0, "m"), n = check.size(1, "n"), k = check.size(2, "k");
  check.flag(3, "transposeA");
  check.flag(4, "transposeB");
  check.input(0, "a", {m, k});
  check.input(1, "b", {k, n});
  check.input(2, "bias", {n});
  check.input(3, "addend", {m, n});
  check.output(0, "out", {m, n});
  return check.error();
}

void run_matmul(RunContext& context, const Instruction& instruction) {
  GemmShape shape;
  shape.m = instruction.size(0);
  shape.n = instruction.size(1);
  shape.k = instruction.size(2);
  shape.transpose_a = instruction.flag(3);
  shape.transpose_b = instruction.flag(4);
  shape.alpha = instruction.number(5);
  shape.accumulate = instruction.inputs[3].present();
  if (instruction.outputs[0].length == 0) return;
  lay_down(context, instruction, 3);
  gemm(context.team(), shape, instruction.input(0), instruction.input(1), instruction.output(0), instruction.input(2));
}

// Offsets of groups begin at 0, ascend and end at `rows`; a fault otherwise.
bool are_offsets(RunContext& context, const Instruction& instruction, size_t groups, size_t rows) {
  const int32_t* const offsets = instruction.ids(2);
  const int64_t limit = static_cast<int64_t>(rows);
  if (offsets[0] != 0) {
    context.fault({2, 0, offsets[0], "the first group must begin at", 0});
    return false;
  }
  for (size_t g = 1; g <= groups; g++) {
    if (offsets[g] >= offsets[g - 1] && offsets[g] <= limit) continue;
    context.fault({2, g, offsets[g], "offsets must ascend to the number of rows,", limit});
    return false;
  }
  if (offsets[groups] == limit) return true;
  context.fault({2, groups, offsets[groups], "the last group must end at the number of rows,", limit});
  return false;
}

std::string check_grouped(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), n = check.size(1, "n"), k = check.size(2, "k");
  const size_t groups = check.size(3, "groups", 1);
  check.flag(4, "transposeB");
  check.input(0, "a", {rows, k});
  check.input(1, "b", {groups, n, k});
  check.input(2, "offsets", {groups + 1});
  check.output(0, "out", {rows, n});
  return check.error();
}

void run_grouped(RunContext& context, const Instruction& instruction) {
  GroupedShape shape;
  shape.experts = instruction.size(3);
  shape.n = instruction.size(1);
  shape.k = instruction.size(2);
  shape.offsets = instruction.ids(2);
  shape.transpose_b = instruction.flag(4);
  if (!are_offsets(context, instruction, shape.experts, instruction.size(0))) return;
  grouped_gemm(context.team(), shape, instruction.input(0), instruction.input(1), instruction.output(0));
}

std::string check_grouped_weights(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), m = check.size(1, "m"), n = check.size(2, "n");
  const size_t groups = check.size(3, "groups", 1);
  check.input(0, "dy", {rows, m});
  check.input(1, "x", {rows, n});
  check.input(2, "offsets", {groups + 1});
  check.input(3, "addend", {groups, m, n});
  check.output(0, "out", {groups, m, n});
  return check.error();
}

void run_grouped_weights(RunContext& context, const Instruction& instruction) {
  GroupedShape shape;
  shape.experts = instruction.size(3);
  shape.n = instruction.size(1);
  shape.k = instruction.size(2);
  shape.offsets = instruction.ids(2);
  shape.accumulate = instruction.inputs[3].present();
  if (!are_offsets(context, instruction, shape.experts, instruction.size(0))) return;
  lay_down(context, instruction, 3);
  grouped_gemm_weights(context.team(), shape, instruction.input(0), instruction.input(1), instruction.output(0));
}

const Operation kOperations[] = {
    {"matmul", {"a", "b", "bias?", "addend?"}, {"out"}, {"m", "n", "k", "transposeA", "transposeB", "alpha"},
     {{0, 3}}, {}, 0, check_matmul, nullptr, run_matmul},
    {"groupedMatmul", {"a", "b", "offsets:i32"}, {"out"}, {"rows", "n", "k", "groups", "transposeB"},
     {}, {}, 0, check_grouped, nullptr, run_grouped},
    {"groupedMatmulWeightGrad", {"dy", "x", "offsets:i32", "addend?"}, {"out"}, {"rows", "m", "n", "groups"},
     {{0, 3}}, {}, 0, check_grouped_weights, nullptr, run_grouped_weights},
};

}  // namespace

Operations matrix_operations() { return kOperations; }

}  // namespace corpusmill::tensor
