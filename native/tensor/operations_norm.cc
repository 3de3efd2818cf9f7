// Norms as operations. The gradients of weights are sums over rows: kept in one row of sums for each block of rows, whose
// number follows from the sizes alone, and added up in the order of the blocks.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "entries.h"
#include "isa.h"
#include "norm_kernels.h"
#include "operation.h"
#include "row_sums.h"

namespace corpusmill::tensor {
namespace {

std::string check_rms(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns", 1);
  check.input(0, "x", {rows, columns});
  check.input(1, "weight", {columns});
  check.output(0, "y", {rows, columns});
  check.output(1, "rstd", {rows});
  return check.error();
}

void run_rms(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  const float* const x = instruction.input(0);
  float* const y = instruction.output(0);
  float* const rstd = instruction.output(1);
  context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
    const size_t at = from * columns;
    kernels().norm.rms(x + at, nullptr, instruction.input(1), to - from, columns, instruction.number(2), nullptr, y + at,
                       rstd + from);
  });
}

std::string check_add_rms(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns", 1);
  check.input(0, "x", {rows, columns});
  check.input(1, "residual", {rows, columns});
  check.input(2, "weight", {columns});
  check.output(0, "sum", {rows, columns});
  check.output(1, "y", {rows, columns});
  check.output(2, "rstd", {rows});
  return check.error();
}

void run_add_rms(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  const float* const x = instruction.input(0);
  const float* const residual = instruction.input(1);
  float* const sum = instruction.output(0);
  float* const y = instruction.output(1);
  float* const rstd = instruction.output(2);
  context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
    const size_t at = from * columns;
    kernels().norm.rms(x + at, residual + at, instruction.input(2), to - from, columns, instruction.number(2), sum + at,
                       y + at, rstd + from);
  });
}

std::string check_rms_grad(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns", 1);
  check.input(0, "dy", {rows, columns});
  check.input(1, "x", {rows, columns});
  check.input(2, "weight", {columns});
  check.input(3, "rstd", {rows});
  check.input(4, "dxAddend", {rows, columns});
  check.input(5, "dweightAddend", {columns});
  check.output(0, "dx", {rows, columns});
  check.output(1, "dweight", {columns});
  return check.error();
}

size_t scratch_rms_grad(const Instruction& instruction, size_t) {
  return row_sum_blocks(instruction.size(0)) * instruction.size(1) * sizeof(float);
}

void run_rms_grad(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  const float* const addend = instruction.input(4);
  float* const sums = context.scratch_at<float>(0);
  over_row_blocks(context, rows, columns, [&](size_t block, size_t from, size_t to) {
    const size_t at = from * columns;
    float* const own = sums + block * columns;
    std::memset(own, 0, columns * sizeof(float));
    kernels().norm.rms_grad(instruction.input(0) + at, instruction.input(1) + at, instruction.input(2),
                            instruction.input(3) + from, addend == nullptr ? nullptr : addend + at, to - from, columns,
                            instruction.output(0) + at, own);
  });
  add_row_blocks(context, rows, columns, columns, sums, instruction.input(5), instruction.output(1));
}

std::string check_layer(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns", 1);
  check.input(0, "x", {rows, columns});
  check.input(1, "weight", {columns});
  check.input(2, "bias", {columns});
  check.output(0, "y", {rows, columns});
  check.output(1, "mean", {rows});
  check.output(2, "rstd", {rows});
  return check.error();
}

void run_layer(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
    const size_t at = from * columns;
    kernels().norm.layer(instruction.input(0) + at, instruction.input(1), instruction.input(2), to - from, columns,
                         instruction.number(2), instruction.output(0) + at, instruction.output(1) + from,
                         instruction.output(2) + from);
  });
}

std::string check_layer_grad(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns", 1);
  check.input(0, "dy", {rows, columns});
  check.input(1, "x", {rows, columns});
  check.input(2, "weight", {columns});
  check.input(3, "mean", {rows});
  check.input(4, "rstd", {rows});
  check.input(5, "dxAddend", {rows, columns});
  check.input(6, "dweightAddend", {columns});
  check.input(7, "dbiasAddend", {columns});
  check.output(0, "dx", {rows, columns});
  check.output(1, "dweight", {columns});
  check.output(2, "dbias", {columns});
  return check.error();
}

size_t scratch_layer_grad(const Instruction& instruction, size_t threads) {
  return 2 * scratch_rms_grad(instruction, threads);
}

void run_layer_grad(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  const float* const addend = instruction.input(5);
  float* const sums = context.scratch_at<float>(0);
  // A block's sums for the weight, then those for the bias.
  over_row_blocks(context, rows, columns, [&](size_t block, size_t from, size_t to) {
    const size_t at = from * columns;
    float* const own = sums + 2 * block * columns;
    std::memset(own, 0, 2 * columns * sizeof(float));
    kernels().norm.layer_grad(instruction.input(0) + at, instruction.input(1) + at, instruction.input(2),
                              instruction.input(3) + from, instruction.input(4) + from,
                              addend == nullptr ? nullptr : addend + at, to - from, columns, instruction.output(0) + at, own,
                              own + columns);
  });
  add_row_blocks(context, rows, columns, 2 * columns, sums, instruction.input(6), instruction.output(1));
  add_row_blocks(context, rows, columns, 2 * columns, sums + columns, instruction.input(7), instruction.output(2));
}

}  // namespace

Operations norm_operations() {
  static const Operation kOperations[] = {
      {"rmsNorm", {"x", "weight"}, {"y", "rstd"}, {"rows", "columns", "eps"}, {}, {}, 0, check_rms, nullptr, run_rms},
      {"addRmsNorm", {"x", "residual", "weight"}, {"sum", "y", "rstd"}, {"rows", "columns", "eps"}, {{0, 0}, {0, 1}}, {}, 0,
       check_add_rms, nullptr, run_add_rms},
      {"rmsNormGrad", {"dy", "x", "weight", "rstd", "dxAddend?", "dweightAddend?"}, {"dx", "dweight"}, {"rows", "columns"},
       {{0, 0}, {0, 4}, {1, 5}}, {}, 0, check_rms_grad, scratch_rms_grad, run_rms_grad},
      {"layerNorm", {"x", "weight", "bias"}, {"y", "mean", "rstd"}, {"rows", "columns", "eps"}, {}, {}, 0, check_layer,
       nullptr, run_layer},
      {"layerNormGrad", {"dy", "x", "weight", "mean", "rstd", "dxAddend?", "dweightAddend?", "dbiasAddend?"},
       {"dx", "dweight", "dbias"}, {"rows", "columns"}, {{0, 0}, {0, 5}, {1, 6}, {2, 7}}, {}, 0, check_layer_grad,
       scratch_layer_grad, run_layer_grad},
  };
  return kOperations;
}

}  // namespace corpusmill::tensor
