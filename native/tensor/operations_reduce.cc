// Sums over an axis and their reverse.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "entries.h"
#include "isa.h"
#include "operation.h"
#include "row_sums.h"

namespace corpusmill::tensor {
namespace {

enum Axis : size_t { kAll, kRows, kColumns, kAxes };
// Entries of a block of the sum of everything.
constexpr size_t kSumBlock = 16384;
// Columns that are summed together, so that the sums stay in the first-level cache.
constexpr size_t kSumColumns = 4096;

size_t reduced(size_t axis, size_t rows, size_t columns) { return axis == kAll ? 1 : axis == kRows ? rows : columns; }

std::string check_reduce(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns");
  const size_t axis = check.kind(2, "axis", kAxes);
  check.input(0, "x", {rows, columns});
  check.input(1, "addend", {reduced(axis, rows, columns)});
  check.output(0, "out", {reduced(axis, rows, columns)});
  return check.error();
}

size_t scratch_reduce(const Instruction& instruction, size_t) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  switch (instruction.size(2)) {
    case kAll: return (rows * columns + kSumBlock - 1) / kSumBlock * sizeof(double);
    case kColumns: return row_sum_blocks(rows) * columns * sizeof(float);
    default: return 0;
  }
}

void run_reduce(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  const float* const x = instruction.input(0);
  const float* const addend = instruction.input(1);
  float* const out = instruction.output(0);
  const RowKernels& kernel = kernels().rows;
  switch (instruction.size(2)) {
    case kAll: {
      const size_t length = rows * columns, blocks = (length + kSumBlock - 1) / kSumBlock;
      double* const sums = context.scratch_at<double>(0);
      context.split(blocks, 1, [&](size_t from, size_t to, size_t) {
        for (size_t block = from; block < to; block++) {
          sums[block] = kernel.sum(x + block * kSumBlock, std::min(kSumBlock, length - block * kSumBlock));
        }
      });
      double total = addend == nullptr ? 0 : static_cast<double>(addend[0]);
      for (size_t block = 0; block < blocks; block++) total += sums[block];
      out[0] = static_cast<float>(total);
      break;
    }
    case kRows:
      context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
        for (size_t r = from; r < to; r++) {
          const double before = addend == nullptr ? 0 : static_cast<double>(addend[r]);
          out[r] = static_cast<float>(before + kernel.sum(x + r * columns, columns));
        }
      });
      break;
    default: {
      float* const sums = context.scratch_at<float>(0);
      const size_t blocks = row_sum_blocks(rows), strips = (columns + kSumColumns - 1) / kSumColumns;
      const size_t entries = blocks * strips == 0 ? 0 : rows * columns / (blocks * strips);
      context.split(blocks * strips, kLeastEntries / (entries + 1) + 1, [&](size_t from, size_t to, size_t) {
        for (size_t item = from; item < to; item++) {
          const size_t block = item / strips, column = item % strips * kSumColumns;
          const size_t width = std::min(kSumColumns, columns - column);
          const size_t first = row_sum_start(rows, block), end = row_sum_start(rows, block + 1);
          float* const own = sums + block * columns + column;
          std::memset(own, 0, width * sizeof(float));
          kernel.add_columns(x + first * columns + column, end - first, columns, width, own);
        }
      });
      add_row_blocks(context, rows, columns, columns, sums, addend, out);
    }
  }
}

std::string check_broadcast(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns");
  const size_t axis = check.kind(2, "axis", kAxes);
  check.input(0, "x", {reduced(axis, rows, columns)});
  check.output(0, "out", {rows, columns});
  return check.error();
}

void run_broadcast(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1), axis = instruction.size(2);
  const float* const x = instruction.input(0);
  float* const out = instruction.output(0);
  const auto fill = kernels().elementwise.fill;
  if (axis == kAll) {
    split_entries(context, rows * columns, kLeastEntries, [&](size_t from, size_t to) { fill(x[0], to - from, out + from); });
    return;
  }
  context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
    for (size_t r = from; r < to; r++) {
      if (axis == kRows) fill(x[r], columns, out + r * columns);
      else std::memcpy(out + r * columns, x, columns * sizeof(float));
    }
  });
}

}  // namespace

Operations reduce_operations() {
  static const Operation kOperations[] = {
      {"reduce", {"x", "addend?"}, {"out"}, {"rows", "columns", "axis"}, {{0, 1}}, {}, 0, check_reduce, scratch_reduce,
       run_reduce},
      {"broadcast", {"x"}, {"out"}, {"rows", "columns", "axis"}, {}, {}, 0, check_broadcast, nullptr, run_broadcast},
  };
  return kOperations;
}

}  // namespace corpusmill::tensor
