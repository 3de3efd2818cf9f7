#include "head.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "gemm.h"
#include "isa.h"

namespace corpusmill::tensor {
namespace {

// The largest tile of the vocabulary and the most rows of a chunk. Measured on one core of a Zen 5 server at 128 to 768
// columns and vocabularies of 512 to 50,257: forward and backward take 0.96 to 1.09 of the time of the three products alone.
constexpr size_t kMostTile = 512, kLeastTile = 128;
constexpr size_t kMostChunkRows = 512, kLeastChunkRows = 256;
// Floats of a chunk's logits above which it gets fewer rows.
constexpr size_t kMostLogits = size_t{1} << 23;
// Rows of logits, a few cache lines longer than a tile: never a multiple of 4 KiB apart.
constexpr size_t kPad = 16;

size_t rounded(size_t floats) { return (floats + 15) / 16 * 16; }

// Tiles of equal width, their number a multiple of 8 where there is enough to share out among threads.
size_t tile_of(size_t vocab) {
  size_t tiles = (vocab + kMostTile - 1) / kMostTile;
  tiles = (tiles + 7) / 8 * 8;
  const size_t width = (vocab + tiles - 1) / tiles;
  return std::clamp((width + 31) / 32 * 32, kLeastTile, kMostTile);
}

// What is known of a row of logits once all of its pieces are.
struct RowSums {
  double lse, exponentials, weighted, logits;
  float largest;
};

// How a row's logits l become their gradient: factor · exp(l - largest) + shift, and at_label more at the label.
struct GradientRow {
  float largest, factor, shift, at_label;
};

class Head {
 public:
  Head(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
       std::byte* scratch, bool keeps_logits)
      : team_(team), shape_(shape), x_(x), w_(w), labels_(labels), tile_(tile_of(shape.vocab)),
        tiles_((shape.vocab + tile_ - 1) / tile_), chunk_rows_(chunk_rows(shape)), keeps_logits_(keeps_logits),
        logits_row_((keeps_logits ? rounded(shape.vocab) : tile_) + kPad) {
    const auto take = [&](size_t bytes) {
      std::byte* const at = scratch;
      scratch += (bytes + 63) / 64 * 64;
      return at;
    };
    rows_ = reinterpret_cast<uint32_t*>(take(shape.rows * sizeof(uint32_t)));
    gathered_ = reinterpret_cast<float*>(take(chunk_rows_ * shape.columns * sizeof(float)));
    gathered_dx_ = reinterpret_cast<float*>(take(keeps_logits ? chunk_rows_ * shape.columns * sizeof(float) : 0));
    pieces_ = reinterpret_cast<LogitSums*>(take(tiles_ * chunk_rows_ * sizeof(LogitSums)));
    sums_ = reinterpret_cast<RowSums*>(take(chunk_rows_ * sizeof(RowSums)));
    gradients_ = reinterpret_cast<GradientRow*>(take(chunk_rows_ * sizeof(GradientRow)));
    label_logits_ = reinterpret_cast<float*>(take(chunk_rows_ * sizeof(float)));
    logits_ = reinterpret_cast<float*>(scratch);
    for (size_t r = 0; r < shape.rows; r++) {
      if (labels[r] >= 0) rows_[count_++] = static_cast<uint32_t>(r);
    }
  }

  static size_t chunk_rows(const HeadShape& shape) {
    const size_t fits = std::clamp(kMostLogits / shape.vocab, kLeastChunkRows, kMostChunkRows);
    return std::clamp<size_t>(shape.rows, 1, fits);
  }

  static size_t scratch(const HeadShape& shape, bool keeps_logits, size_t threads) {
    const size_t rows = chunk_rows(shape), tile = tile_of(shape.vocab), tiles = (shape.vocab + tile - 1) / tile;
    const size_t logits = keeps_logits ? rows * (rounded(shape.vocab) + kPad) : threads * rows * (tile + kPad);
    return shape.rows * sizeof(uint32_t) + (rows * (2 * shape.columns + 1) + logits) * sizeof(float) +
           tiles * rows * sizeof(LogitSums) + rows * (sizeof(RowSums) + sizeof(GradientRow)) + 8 * 64;
  }

  // Goes over the chunks; `from` and `size` say which of the counted rows they hold.
  template <typename Chunk>
  void for_chunks(Chunk&& chunk) {
    for (size_t from = 0; from < count_; from += chunk_rows_) {
      from_ = from;
      size_ = std::min(chunk_rows_, count_ - from);
      is_run_ = rows_[from + size_ - 1] - rows_[from] + 1 == size_;
      if (!is_run_) {
        for (size_t i = 0; i < size_; i++) {
          std::memcpy(gathered_ + i * shape_.columns, x_ + row(i) * shape_.columns, shape_.columns * sizeof(float));
        }
      }
      chunk();
    }
  }

  size_t size() const { return size_; }
  size_t row(size_t i) const { return rows_[from_ + i]; }
  bool is_first() const { return from_ == 0; }
  const RowSums& sums(size_t i) const { return sums_[i]; }
  float label_logit(size_t i) const { return label_logits_[i]; }
  void set_gradient(size_t i, const GradientRow& row) { gradients_[i] = row; }

  // The chunk's logits and, unless there is no use for them, their sums.
  void make_logits(bool with_sums, bool with_weighted) {
    const float* const x = chunk_x();
    const HeadKernels& kernel = kernels().head;
    each_tile([&](size_t tile, size_t begin, size_t width, size_t t, ThreadTeam& alone) {
      float* const logits = keeps_logits_ ? logits_ + begin : logits_ + t * chunk_rows_ * logits_row_;
      GemmShape product;
      product.m = size_;
      product.n = width;
      product.k = shape_.columns;
      product.transpose_b = true;
      product.c_row = logits_row_;
      product.alpha = shape_.scale;
      gemm(alone, product, x, w_ + begin * shape_.columns, logits);
      if (!with_sums) return;
      for (size_t i = 0; i < size_; i++) {
        pieces_[tile * chunk_rows_ + i] = kernel.sums(logits + i * logits_row_, width, with_weighted);
        const size_t label = static_cast<size_t>(labels_[row(i)]);
        if (label - begin < width) label_logits_[i] = logits[i * logits_row_ + label - begin];
      }
    });
    if (with_sums) join_pieces();
  }

  // Turns the chunk's logits into their gradients and these into those of w and x.
  void make_gradients(float* dw, bool add_to_dw, float* dx) {
    const float* const x = chunk_x();
    const HeadKernels& kernel = kernels().head;
    each_tile([&](size_t, size_t begin, size_t width, size_t, ThreadTeam& alone) {
      float* const logits = logits_ + begin;
      for (size_t i = 0; i < size_; i++) {
        const auto [largest, factor, shift, at_label] = gradients_[i];
        kernel.gradient(logits + i * logits_row_, width, largest, factor, shift);
        const size_t label = static_cast<size_t>(labels_[row(i)]);
        if (label - begin < width) logits[i * logits_row_ + label - begin] += at_label;
      }
      if (dw == nullptr) return;
      GemmShape product;
      product.m = width;
      product.n = shape_.columns;
      product.k = size_;
      product.transpose_a = true;
      product.a_row = logits_row_;
      product.accumulate = add_to_dw || !is_first();
      gemm(alone, product, logits, x, dw + begin * shape_.columns);
    });
    if (dx == nullptr) return;
    GemmShape product;
    product.m = size_;
    product.n = shape_.columns;
    product.k = shape_.vocab;
    product.a_row = logits_row_;
    float* const out = is_run_ ? dx + row(0) * shape_.columns : gathered_dx_;
    gemm(team_, product, logits_, w_, out);
    if (is_run_) return;
    for (size_t i = 0; i < size_; i++) {
      std::memcpy(dx + row(i) * shape_.columns, out + i * shape_.columns, shape_.columns * sizeof(float));
    }
  }

  // What rows without a label and weights without rows have for gradients.
  void clear_rest(float* dw, bool add_to_dw, float* dx) const {
    if (dw != nullptr && !add_to_dw && count_ == 0) std::memset(dw, 0, shape_.vocab * shape_.columns * sizeof(float));
    for (size_t r = 0; dx != nullptr && r < shape_.rows; r++) {
      if (labels_[r] < 0) std::memset(dx + r * shape_.columns, 0, shape_.columns * sizeof(float));
    }
  }

 private:
  const float* chunk_x() const { return is_run_ ? x_ + row(0) * shape_.columns : gathered_; }

  // Calls task(tile, first of its vocabulary, width, thread, a team of that thread alone) for every tile.
  template <typename Task>
  void each_tile(Task&& task) {
    std::atomic<size_t> next{0};
    team_.run([&](size_t t) {
      ThreadTeam alone(1);
      for (size_t tile; (tile = next.fetch_add(1, std::memory_order_relaxed)) < tiles_;) {
        const size_t begin = tile * tile_;
        task(tile, begin, std::min(tile_, shape_.vocab - begin), t, alone);
      }
    });
  }

  void join_pieces() {
    team_.run([&](size_t t) { join_rows(size_ * t / team_.size(), size_ * (t + 1) / team_.size()); });
  }

  void join_rows(size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
      RowSums& sums = sums_[i];
      sums = {0, 0, 0, 0, pieces_[i].largest};
      for (size_t tile = 1; tile < tiles_; tile++) {
        const float largest = pieces_[tile * chunk_rows_ + i].largest;
        // Not-a-number stays.
        if (!(largest <= sums.largest)) sums.largest = largest;
      }
      for (size_t tile = 0; tile < tiles_; tile++) {
        const LogitSums& piece = pieces_[tile * chunk_rows_ + i];
        const double lower = static_cast<double>(piece.largest) - sums.largest;
        const double factor = lower == 0 ? 1 : std::exp(lower);
        sums.exponentials += factor * piece.exponentials;
        sums.weighted += factor * (piece.weighted + lower * piece.exponentials);
        sums.logits += piece.logits;
      }
      sums.lse = sums.largest + std::log(sums.exponentials);
    }
  }

  ThreadTeam& team_;
  const HeadShape shape_;
  const float* const x_;
  const float* const w_;
  const int32_t* const labels_;
  const size_t tile_, tiles_, chunk_rows_;
  const bool keeps_logits_;
  const size_t logits_row_;
  // The counted rows, all of them.
  uint32_t* rows_;
  size_t count_ = 0, from_ = 0, size_ = 0;
  // The chunk's rows follow each other, so x and dx are used where they lie.
  bool is_run_ = false;
  float* gathered_;
  float* gathered_dx_;
  LogitSums* pieces_;
  RowSums* sums_;
  GradientRow* gradients_;
  float* label_logits_;
  float* logits_;
};

}  // namespace

size_t head_scratch(const HeadShape& shape, bool with_gradients, size_t threads) {
  return Head::scratch(shape, with_gradients, threads);
}

void cross_entropy(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
                   const CrossEntropy& task, std::byte* scratch) {
  const bool with_gradients = task.dx != nullptr || task.dw != nullptr;
  Head head(team, shape, x, w, labels, scratch, with_gradients);
  const double vocab = static_cast<double>(shape.vocab);
  double loss = 0;
  std::fill_n(task.nll, shape.rows, 0.0f);
  head.for_chunks([&] {
    head.make_logits(true, false);
    for (size_t i = 0; i < head.size(); i++) {
      const RowSums& sums = head.sums(i);
      const double own = sums.lse - head.label_logit(i), mean = sums.lse - sums.logits / vocab;
      const double weight = task.weights[head.row(i)];
      task.nll[head.row(i)] = static_cast<float>(own);
      loss += weight * ((1 - task.smoothing) * own + task.smoothing * mean + task.z_loss * sums.lse * sums.lse);
      head.set_gradient(i, {sums.largest, static_cast<float>(weight * (1 + 2 * task.z_loss * sums.lse) / sums.exponentials),
                            static_cast<float>(-weight * task.smoothing / vocab),
                            static_cast<float>(-weight * (1 - task.smoothing))});
    }
    if (with_gradients) head.make_gradients(task.dw, task.add_to_dw, task.dx);
  });
  head.clear_rest(task.dw, task.add_to_dw, task.dx);
  *task.loss = static_cast<float>(loss);
}

void log_probs(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
               const LogProbs& task, std::byte* scratch) {
  Head head(team, shape, x, w, labels, scratch, false);
  for (float* const out : {task.log_prob, task.lse, task.entropy}) std::fill_n(out, shape.rows, 0.0f);
  head.for_chunks([&] {
    head.make_logits(true, true);
    for (size_t i = 0; i < head.size(); i++) {
      const RowSums& sums = head.sums(i);
      const size_t row = head.row(i);
      task.log_prob[row] = static_cast<float>(head.label_logit(i) - sums.lse);
      task.lse[row] = static_cast<float>(sums.lse);
      // -Σ p · (l - lse), with the logits as distances from the largest.
      task.entropy[row] = static_cast<float>(sums.lse - sums.largest - sums.weighted / sums.exponentials);
    }
  });
}

void log_probs_gradient(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
                        const LogProbsGradient& task, std::byte* scratch) {
  Head head(team, shape, x, w, labels, scratch, true);
  head.for_chunks([&] {
    head.make_logits(false, false);
    for (size_t i = 0; i < head.size(); i++) {
      const float d = task.dlog_prob[head.row(i)] * shape.scale;
      head.set_gradient(i, {task.lse[head.row(i)], -d, 0, d});
    }
    head.make_gradients(task.dw, task.add_to_dw, task.dx);
  });
  head.clear_rest(task.dw, task.add_to_dw, task.dx);
}

}  // namespace corpusmill::tensor
