#include "gemm.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "../large_pages.h"
#include "isa.h"

namespace corpusmill::tensor {
namespace {

// Up to so many rows of A a transposed B is read once, as rows, instead of being packed: packing costs as much as about
// twenty rows, sums over the lanes as much as 250 multiply-adds each.
constexpr size_t kFewRows = 16, kFewLongRows = 28, kLongRow = 512;
// Multiply-adds below which waking another thread takes longer than the product.
constexpr double kWorthAThread = 2.5e5;

// A thread's packed block of B, on a large page where the system has them.
class Scratch {
 public:
  float* get() {
    if (data_ == nullptr) {
      const size_t wanted = kernels().gemm.scratch_floats * sizeof(float);
      const size_t bytes = (wanted + kPage - 1) / kPage * kPage;
      data_ = static_cast<float*>(::operator new(bytes, std::align_val_t{kPage}));
      ask_for_large_pages(data_, bytes);
    }
    return data_;
  }
  ~Scratch() {
    if (data_ != nullptr) ::operator delete(data_, std::align_val_t{kPage});
  }

 private:
  static constexpr size_t kPage = size_t{1} << 21;
  float* data_ = nullptr;
};

thread_local Scratch scratch;

// The product as a rectangle of strides.
GemmBlock whole(const GemmCall& call) {
  const GemmShape& shape = call.shape;
  const size_t a_row = shape.a_row != 0 ? shape.a_row : shape.transpose_a ? shape.m : shape.k;
  const size_t b_row = shape.b_row != 0 ? shape.b_row : shape.transpose_b ? shape.k : shape.n;
  GemmBlock block{};
  block.m = shape.m;
  block.n = shape.n;
  block.k = shape.k;
  block.a = call.a;
  block.a_row = shape.transpose_a ? 1 : a_row;
  block.a_column = shape.transpose_a ? a_row : 1;
  block.b = call.b;
  block.b_row = shape.transpose_b ? 1 : b_row;
  block.b_column = shape.transpose_b ? b_row : 1;
  block.c = call.c;
  block.c_row = shape.c_row != 0 ? shape.c_row : shape.n;
  block.bias = call.bias;
  block.alpha = shape.alpha;
  block.accumulate = shape.accumulate;
  return block;
}

bool has_few_rows(const GemmShape& shape) {
  return shape.m <= (shape.k >= kLongRow ? kFewLongRows : kFewRows) && shape.transpose_b && !shape.transpose_a;
}

// Threads as a grid over C, `down` by `across`.
struct Grid {
  size_t down, across;
};

// Every thread packs the columns of B and reads the rows of A that it needs: the flatter or the taller its rectangle, the
// more that weighs. On two Zen 5 cores half of the rows is better than half of the columns by up to a quarter.
Grid grid_of(const GemmShape& shape, size_t threads, const GemmKernels& kernel) {
  if (has_few_rows(shape)) return {1, threads};
  // Time to pack an element of B, in multiply-adds.
  const double packing = shape.transpose_b ? 16 : 8;
  // Time to bring an element of A near, likewise.
  constexpr double kReading = 40;
  Grid best{1, threads};
  double least = 0;
  for (size_t down = 1; down <= threads; down++) {
    if (threads % down != 0) continue;
    const size_t across = threads / down;
    const double rows = static_cast<double>((shape.m + down - 1) / down);
    const size_t panels = (shape.n + kernel.tile_columns / 2 - 1) / (kernel.tile_columns / 2);
    const double columns = static_cast<double>((panels + across - 1) / across * (kernel.tile_columns / 2));
    const double cost = (rows + packing) * columns + kReading * rows;
    if (down == 1 || cost < least) {
      best = {down, across};
      least = cost;
    }
  }
  return best;
}

// The share [from, to) of part `index` of `parts` equal ones, in whole units.
struct Share {
  size_t from, to;
};

Share share_of(size_t whole, size_t unit, size_t parts, size_t index) {
  const size_t units = (whole + unit - 1) / unit;
  return {std::min(whole, units * index / parts * unit), std::min(whole, units * (index + 1) / parts * unit)};
}

// What thread `t` of `threads` does of one product.
void multiply_share(const GemmCall& call, const GemmKernels& kernel, size_t threads, size_t t) {
  const GemmShape& shape = call.shape;
  const Grid grid = grid_of(shape, threads, kernel);
  const bool is_few = has_few_rows(shape);
  const Share rows = share_of(shape.m, 1, grid.down, t / grid.across);
  const Share columns = share_of(shape.n, is_few ? 8 : kernel.tile_columns / 2, grid.across, t % grid.across);
  GemmBlock block = whole(call);
  block.m = rows.to - rows.from;
  block.n = columns.to - columns.from;
  if (block.m == 0 || block.n == 0) return;
  block.a += rows.from * block.a_row;
  block.b += columns.from * block.b_column;
  block.c += rows.from * block.c_row + columns.from;
  if (block.bias != nullptr) block.bias += columns.from;
  if (block.k == 0) {
    for (size_t i = 0; i < block.m; i++) {
      for (size_t j = 0; j < block.n; j++) {
        const float base = block.accumulate ? block.c[i * block.c_row + j] : 0;
        block.c[i * block.c_row + j] = base + (block.bias == nullptr ? 0 : block.bias[j]);
      }
    }
  } else if (is_few) {
    kernel.dots(block);
  } else {
    kernel.block(block, scratch.get());
  }
}

double multiply_adds(const GemmShape& shape) {
  return static_cast<double>(shape.m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
}

// Calls `multiply(threads, t)` for every t below `threads`: all of the team, or one when there is too little to do.
template <typename Multiply>
void share_out(ThreadTeam& team, double work, Multiply&& multiply) {
  if (team.size() == 1 || work < kWorthAThread) {
    multiply(size_t{1}, size_t{0});
    return;
  }
  const size_t threads = team.size();
  team.run([&](size_t t) { multiply(threads, t); });
}

}  // namespace

void gemm(ThreadTeam& team, const GemmShape& shape, const float* a, const float* b, float* c, const float* bias) {
  const GemmCall call{shape, a, b, c, bias};
  gemm_many(team, &call, 1);
}

void gemm_many(ThreadTeam& team, const GemmCall* calls, size_t count) {
  const GemmKernels& kernel = kernels().gemm;
  double work = 0;
  for (size_t i = 0; i < count; i++) work += multiply_adds(calls[i].shape);
  share_out(team, work, [&](size_t threads, size_t t) {
    for (size_t i = 0; i < count; i++) multiply_share(calls[i], kernel, threads, t);
  });
}

void grouped_gemm(ThreadTeam& team, const GroupedShape& shape, const float* a, const float* b, float* c) {
  const GemmKernels& kernel = kernels().gemm;
  const size_t rows = static_cast<size_t>(shape.offsets[shape.experts] - shape.offsets[0]);
  const double work = static_cast<double>(rows) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
  share_out(team, work, [&](size_t threads, size_t t) {
    for (size_t e = 0; e < shape.experts; e++) {
      const size_t from = static_cast<size_t>(shape.offsets[e]);
      GemmCall call{};
      call.shape.m = static_cast<size_t>(shape.offsets[e + 1]) - from;
      call.shape.n = shape.n;
      call.shape.k = shape.k;
      call.shape.transpose_b = shape.transpose_b;
      call.shape.alpha = shape.alpha;
      call.shape.accumulate = shape.accumulate;
      call.a = a + from * shape.k;
      call.b = b + e * shape.n * shape.k;
      call.c = c + from * shape.n;
      multiply_share(call, kernel, threads, t);
    }
  });
}

void grouped_gemm_weights(ThreadTeam& team, const GroupedShape& shape, const float* a, const float* b, float* c) {
  const GemmKernels& kernel = kernels().gemm;
  const size_t rows = static_cast<size_t>(shape.offsets[shape.experts] - shape.offsets[0]);
  const double work = static_cast<double>(rows) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
  share_out(team, work, [&](size_t threads, size_t t) {
    for (size_t e = 0; e < shape.experts; e++) {
      const size_t from = static_cast<size_t>(shape.offsets[e]);
      GemmCall call{};
      call.shape.m = shape.n;
      call.shape.n = shape.k;
      call.shape.k = static_cast<size_t>(shape.offsets[e + 1]) - from;
      call.shape.transpose_a = true;
      // Without rows the strides of no matrix: any will do.
      call.shape.a_row = shape.n;
      call.shape.b_row = shape.k;
      call.shape.alpha = shape.alpha;
      call.shape.accumulate = shape.accumulate;
      call.a = a + from * shape.n;
      call.b = b + from * shape.k;
      call.c = c + e * shape.n * shape.k;
      multiply_share(call, kernel, threads, t);
    }
  });
}

double fma_peak(size_t threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  const GemmKernels& kernel = kernels().gemm;
  ThreadTeam team(threads);
  std::vector<double> rates(team.size());
  team.run([&](size_t t) {
    const Clock::time_point start = Clock::now();
    double operations = 0, elapsed = 0;
    while (elapsed < seconds) {
      float sink[3] = {1, 1e-9f, 0};
      operations += 2000.0 * static_cast<double>(kernel.fma_chains(2000, sink));
      elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    }
    rates[t] = operations / elapsed / 1e9;
  });
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

}  // namespace corpusmill::tensor
