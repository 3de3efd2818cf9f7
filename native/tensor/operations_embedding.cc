// Rows of tables by index: embeddings, their gradient, rotary positions and the KV cache.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "entries.h"
#include "isa.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

constexpr int64_t kAnyNegative = INT32_MIN;

std::string check_embedding(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns"), table = check.size(2, "tableRows");
  check.input(0, "table", {table, columns});
  check.input(1, "ids", {rows});
  check.output(0, "out", {rows, columns});
  return check.error();
}

void run_embedding(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1);
  const int64_t limit = static_cast<int64_t>(instruction.size(2));
  const float* const table = instruction.input(0);
  const int32_t* const ids = instruction.ids(1);
  float* const out = instruction.output(0);
  if (columns == 0) return;
  context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
    if (!context.check_ids(1, ids, from, to, kAnyNegative, limit, "is outside the table")) return;
    for (size_t r = from; r < to; r++) {
      float* const row = out + r * columns;
      if (ids[r] < 0) std::memset(row, 0, columns * sizeof(float));
      else std::memcpy(row, table + static_cast<size_t>(ids[r]) * columns, columns * sizeof(float));
    }
  });
}

std::string check_embedding_grad(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns"), table = check.size(2, "tableRows");
  check.require(rows < (size_t{1} << 32), "rows must be below 2^32");
  check.input(0, "dy", {rows, columns});
  check.input(1, "ids", {rows});
  check.input(2, "addend", {table, columns});
  check.output(0, "out", {table, columns});
  return check.error();
}

size_t scratch_embedding_grad(const Instruction& instruction, size_t) {
  return (instruction.size(0) + instruction.size(2) + 1) * sizeof(uint32_t);
}

// A counting sort of the rows by id; then each row of the table is summed by one thread, in order of rows.
void run_embedding_grad(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), columns = instruction.size(1), table = instruction.size(2);
  const float* const dy = instruction.input(0);
  const int32_t* const ids = instruction.ids(1);
  const float* const addend = instruction.input(2);
  float* const out = instruction.output(0);
  if (!context.check_ids(1, ids, 0, rows, kAnyNegative, static_cast<int64_t>(table), "is outside the table")) return;
  // ends[i] is first the number of rows of table row i, then where they begin in `order`, at last where they end.
  uint32_t* const ends = context.scratch_at<uint32_t>(0);
  uint32_t* const order = ends + table + 1;
  std::memset(ends, 0, (table + 1) * sizeof(uint32_t));
  for (size_t r = 0; r < rows; r++) {
    if (ids[r] >= 0) ends[ids[r]]++;
  }
  uint32_t total = 0;
  for (size_t i = 0; i < table; i++) {
    const uint32_t count = ends[i];
    ends[i] = total;
    total += count;
  }
  for (size_t r = 0; r < rows; r++) {
    if (ids[r] >= 0) order[ends[ids[r]]++] = static_cast<uint32_t>(r);
  }
  const auto add_row = kernels().rows.add_row;
  const bool in_place = addend == out;
  // Without an addend in place every row of the table is written; with one only those that are met.
  const size_t work = in_place ? rows * columns / (table + 1) + 1 : columns;
  context.split(table, kLeastEntries / (work + 1) + 1, [&](size_t from, size_t to, size_t) {
    uint32_t at = from == 0 ? 0 : ends[from - 1];
    for (size_t i = from; i < to; i++) {
      float* const row = out + i * columns;
      if (addend == nullptr) {
        if (at == ends[i]) {
          std::memset(row, 0, columns * sizeof(float));
          continue;
        }
        std::memcpy(row, dy + order[at++] * columns, columns * sizeof(float));
      } else if (!in_place) {
        std::memcpy(row, addend + i * columns, columns * sizeof(float));
      }
      for (; at < ends[i]; at++) add_row(dy + order[at] * columns, columns, row);
    }
  });
}

std::string check_rope(const Instruction& instruction) {
  Check check(instruction);
  const size_t rows = check.size(0, "rows"), heads = check.size(1, "heads"), dim = check.size(2, "headDim");
  const size_t table = check.size(3, "tableRows");
  check.flag(4, "inverse");
  check.flag(5, "interleaved");
  check.require(dim % 2 == 0, "headDim must be even");
  const size_t columns = saturating_product(heads, dim);
  check.input(0, "x", {rows, columns});
  check.input(1, "cos", {table, dim / 2});
  check.input(2, "sin", {table, dim / 2});
  check.input(3, "positions", {rows});
  check.output(0, "y", {rows, columns});
  return check.error();
}

void run_rope(RunContext& context, const Instruction& instruction) {
  const size_t rows = instruction.size(0), heads = instruction.size(1), half = instruction.size(2) / 2;
  const int64_t limit = static_cast<int64_t>(instruction.size(3));
  const bool inverse = instruction.flag(4);
  const auto rotate = instruction.flag(5) ? kernels().rows.rotate_interleaved : kernels().rows.rotate;
  const float* const x = instruction.input(0);
  const float* const cos = instruction.input(1);
  const float* const sin = instruction.input(2);
  const int32_t* const positions = instruction.ids(3);
  float* const y = instruction.output(0);
  const size_t columns = 2 * heads * half;
  context.split(rows, least_rows(columns), [&](size_t from, size_t to, size_t) {
    if (!context.check_ids(3, positions, from, to, 0, limit, "is outside the table of angles")) return;
    for (size_t r = from; r < to; r++) {
      const size_t angle = static_cast<size_t>(positions[r]) * half;
      rotate(x + r * columns, cos + angle, sin + angle, heads, half, inverse, y + r * columns);
    }
  });
}

std::string check_cache_write(const Instruction& instruction) {
  Check check(instruction);
  const size_t batch = check.size(0, "batch"), time = check.size(1, "time"), capacity = check.size(2, "capacity");
  const size_t columns = check.size(3, "columns");
  check.require(time <= capacity, "time must not be more than capacity");
  check.input(0, "cache", {batch, capacity, columns});
  check.input(1, "rows", {batch, time, columns});
  check.input(2, "at", {batch});
  return check.error();
}

void run_cache_write(RunContext& context, const Instruction& instruction) {
  const size_t batch = instruction.size(0), time = instruction.size(1), capacity = instruction.size(2);
  const size_t columns = instruction.size(3), piece = time * columns;
  float* const cache = instruction.mutated(0);
  const float* const rows = instruction.input(1);
  const int32_t* const at = instruction.ids(2);
  const int64_t limit = static_cast<int64_t>(capacity - time) + 1;
  if (!context.check_ids(2, at, 0, batch, 0, limit, "leaves no room for the rows in the cache") || piece == 0) return;
  context.split(batch, least_rows(piece), [&](size_t from, size_t to, size_t) {
    for (size_t b = from; b < to; b++) {
      float* const target = cache + (b * capacity + static_cast<size_t>(at[b])) * columns;
      std::memcpy(target, rows + b * piece, piece * sizeof(float));
    }
  });
}

}  // namespace

Operations embedding_operations() {
  static const Operation kOperations[] = {
      {"embedding", {"table", "ids:i32"}, {"out"}, {"rows", "columns", "tableRows"}, {}, {}, 0, check_embedding, nullptr,
       run_embedding},
      {"embeddingGrad", {"dy", "ids:i32", "addend?"}, {"out"}, {"rows", "columns", "tableRows"}, {{0, 2}}, {}, 0,
       check_embedding_grad, scratch_embedding_grad, run_embedding_grad},
      {"rope", {"x", "cos", "sin", "positions:i32"}, {"y"},
       {"rows", "heads", "headDim", "tableRows", "inverse", "interleaved"}, {{0, 0}}, {}, 0, check_rope, nullptr, run_rope},
      {"cacheWrite", {"cache", "rows", "at:i32"}, {}, {"batch", "time", "capacity", "columns"}, {}, {0}, 0,
       check_cache_write, nullptr, run_cache_write},
  };
  return kOperations;
}

}  // namespace corpusmill::tensor
