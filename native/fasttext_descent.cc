#include "fasttext_descent.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "fasttext_memory.h"
#include "fasttext_row_kernels.h"
#include "mix.h"

namespace corpusmill::fasttext {
namespace {

// e^x for x <= 0 by additions and multiplications alone: see src/quality/fasttext/exponential.ts.
class Exponential {
 public:
  Exponential() {
    powers_[0] = 1;
    for (size_t k = 1; k < kPowers; k++) powers_[k] = powers_[k - 1] / 2;
    double factorial = 1;
    series_[kDegree] = 1;
    for (size_t n = 1; n <= kDegree; n++) {
      factorial *= static_cast<double>(n);
      series_[kDegree - n] = 1 / factorial;
    }
  }
  double of(double x) const {
    if (!(x >= -700)) return 0;
    const double k = std::floor(x * 1.4426950408889634 + 0.5);
    const double r = x - k * 0.6931471803691238 - k * 1.9082149292705877e-10;
    double sum = series_[0];
    for (size_t i = 1; i <= kDegree; i++) sum = sum * r + series_[i];
    return sum * powers_[static_cast<size_t>(-k)];
  }

 private:
  static constexpr size_t kPowers = 1024, kDegree = 13;
  double powers_[kPowers];
  double series_[kDegree + 1];
};

// The rows of the output matrix that a text's step is about, and 1 for those that should score high.
class Terms {
 public:
  bool init(const Descent& descent) {
    size_t most = descent.labels;
    if (descent.loss == Loss::kNegativeSampling) most = 1 + descent.neg;
    if (!rows_.resize(most) || !truths_.resize(most)) return false;
    for (size_t i = 0; i < most; i++) {
      rows_[i] = static_cast<uint32_t>(i);
      truths_[i] = 0;
    }
    count_ = most;
    return true;
  }

  // For a text of label `target`; `place` is its place among the texts of all epochs.
  void select(const Descent& d, size_t target, uint64_t place) {
    if (d.loss == Loss::kTree) {
      const auto from = static_cast<size_t>(d.path_starts[target]);
      count_ = static_cast<size_t>(d.path_starts[target + 1]) - from;
      for (size_t i = 0; i < count_; i++) {
        rows_[i] = static_cast<uint32_t>(d.path_nodes[from + i]);
        truths_[i] = d.path_from_right[from + i];
      }
    } else if (d.loss == Loss::kNegativeSampling) {
      rows_[0] = static_cast<uint32_t>(target);
      truths_[0] = 1;
      const uint32_t base = mix32(mix32(mix32(d.seed) ^ static_cast<uint32_t>(place)) ^ static_cast<uint32_t>(place >> 32));
      uint32_t draw = 0;
      for (size_t i = 1; i < count_; draw++) {
        const double number = mix32(base + draw * 0x9e3779b9u);
        const double* const label = std::upper_bound(d.thresholds, d.thresholds + d.labels - 1, number);
        const auto drawn = static_cast<size_t>(label - d.thresholds);
        if (drawn != target) rows_[i++] = static_cast<uint32_t>(drawn);
      }
    } else {
      truths_[last_] = 0;
      truths_[target] = 1;
      last_ = target;
    }
  }

  size_t count() const { return count_; }
  uint32_t row(size_t i) const { return rows_[i]; }
  bool truth(size_t i) const { return truths_[i] != 0; }

 private:
  Growing<uint32_t> rows_;
  Growing<uint8_t> truths_;
  size_t count_ = 0, last_ = 0;
};

// The logistic function of a score, from its table; of a score that is no number 0.
double logistic(const float* table, double score) {
  if (!(score >= -8)) return 0;
  if (score > 8) return 1;
  const double place = static_cast<double>(static_cast<float>(score + 8)) * kSigmoidSteps / 8 / 2;
  return static_cast<double>(table[static_cast<size_t>(place)]);
}

double logarithm_of(const double* table, double probability) {
  if (!(probability > 0)) return table[0];
  return table[std::min(kLogSteps, static_cast<size_t>(probability * static_cast<double>(kLogSteps)))];
}

void to_probabilities(const Descent& d, const Exponential& exponential, double* scores, size_t count) {
  if (d.loss != Loss::kSoftmax) {
    for (size_t i = 0; i < count; i++) scores[i] = logistic(d.sigmoid, scores[i]);
    return;
  }
  double highest = scores[0];
  for (size_t i = 1; i < count; i++) {
    if (scores[i] > highest) highest = scores[i];
  }
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    scores[i] = exponential.of(scores[i] - highest);
    sum += scores[i];
  }
  for (size_t i = 0; i < count; i++) scores[i] /= sum;
}

constexpr size_t kLine = 64;

float* aligned(float* values) {
  return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(values) + kLine - 1) / kLine * kLine);
}

// A matrix whose rows are moved apart, where they are, to begin on cache lines and to be padded with zeros to whole blocks;
// and moved together again.
class SpacedRows {
 public:
  // `values` [room_for_rows(rows, dim)] has `filled` rows of `dim` values and zeros behind them.
  SpacedRows(float* values, size_t filled, size_t rows, size_t dim)
      : values_(values), spaced_(aligned(values)), rows_(rows), dim_(dim), width_(width_of(dim)) {
    for (size_t row = filled; row-- > 0;) {
      std::memmove(at(row), values + row * dim, dim * sizeof(float));
      std::fill(at(row) + dim, at(row) + width_, 0.0f);
    }
  }
  ~SpacedRows() {
    for (size_t row = 0; row < rows_; row++) std::memmove(values_ + row * dim_, at(row), dim_ * sizeof(float));
  }
  SpacedRows(const SpacedRows&) = delete;
  SpacedRows& operator=(const SpacedRows&) = delete;
  float* at(size_t row) { return spaced_ + row * width_; }

 private:
  float* const values_;
  float* const spaced_;
  const size_t rows_, dim_, width_;
};

// The rows that a text asks for.
struct RowNumbers {
  const uint32_t* rows;
  size_t count;
};

// The order of the texts in an epoch: Fisher and Yates's shuffle of the one before.
void shuffle_texts(uint32_t* order, size_t texts, uint32_t base) {
  for (size_t i = texts; i-- > 1;) {
    const size_t j = mix32(base + static_cast<uint32_t>(i)) % (i + 1);
    std::swap(order[i], order[j]);
  }
}

class RowNumbersOf {
 public:
  explicit RowNumbersOf(const Descent& d) : d_(d) {}
  // Makes room for the longest text. False: no memory.
  bool init() {
    if (d_.units == 0) return true;
    size_t longest = 0;
    for (size_t text = 0; text < d_.texts; text++) longest = std::max(longest, for_each_row(text, [](size_t) {}));
    return rows_.resize(longest);
  }
  RowNumbers of(size_t text) {
    if (d_.units == 0) {
      const auto from = static_cast<size_t>(d_.starts[text]), to = static_cast<size_t>(d_.starts[text + 1]);
      return {d_.entries + from, to - from};
    }
    uint32_t* next = rows_.data();
    const size_t count = for_each_row(text, [&](size_t row) { *next++ = static_cast<uint32_t>(row); });
    return {rows_.data(), count};
  }

 private:
  template <typename Use>
  size_t for_each_row(size_t text, Use use) const {
    size_t count = 0;
    for (auto i = static_cast<size_t>(d_.starts[text]); i < static_cast<size_t>(d_.starts[text + 1]); i++) {
      const uint32_t entry = d_.entries[i];
      if (entry >= d_.units) {
        use(d_.words + entry - d_.units);
        count++;
        continue;
      }
      const auto first = static_cast<size_t>(d_.unit_starts[entry]), last = static_cast<size_t>(d_.unit_starts[entry + 1]);
      for (size_t r = first; r < last; r++) use(static_cast<size_t>(d_.unit_rows[r]));
      count += last - first;
    }
    return count;
  }

  const Descent& d_;
  Growing<uint32_t> rows_;
};

}  // namespace

size_t width_of(size_t dim) { return (dim + kBlock - 1) / kBlock * kBlock; }

size_t room_for_rows(size_t rows, size_t dim) { return rows * width_of(dim) + kLine / sizeof(float); }

bool descend(const Descent& d, float* input, size_t filled, float* output, double* losses) {
  const RowKernels& kernels = row_kernels();
  const Exponential exponential;
  const size_t width = width_of(d.dim), blocks = width / kBlock;
  Terms terms;
  RowNumbersOf numbers(d);
  Growing<double> scores;
  Growing<float> vectors, output_room;
  Growing<uint32_t> order;
  const size_t output_floats = d.labels * d.dim;
  if (!vectors.resize(room_for_rows(2, d.dim)) || !output_room.resize(room_for_rows(d.labels, d.dim)) ||
      !order.resize(d.texts) || !numbers.init() || !terms.init(d) || !scores.resize(std::max(d.labels, 1 + d.neg))) {
    return false;
  }
  std::copy_n(output, output_floats, output_room.data());
  for (size_t i = 0; i < d.texts; i++) order[i] = static_cast<uint32_t>(i);
  {
    SpacedRows in(input, filled, d.rows, d.dim), out(output_room.data(), d.labels, d.labels, d.dim);
    float* const hidden = aligned(vectors.data());
    float* const gradient = hidden + width;
    double total = 0;
    for (size_t text = 0; text < d.texts; text++) total += d.sizes[text];
    total *= static_cast<double>(d.epochs);
    double seen = 0, unreported = 0;
    for (size_t epoch = 0; epoch < d.epochs; epoch++) {
      if (d.shuffle) shuffle_texts(order.data(), d.texts, mix32(d.seed + static_cast<uint32_t>(epoch) * 0x9e3779b9u));
      double loss = 0;
      size_t trained = 0;
      for (size_t i = 0; i < d.texts; i++) {
        const size_t text = order[i];
        const double rate = d.lr * (1 - seen / total);
        unreported += d.sizes[text];
        if (unreported > static_cast<double>(d.lr_update_rate)) {
          seen += unreported;
          unreported = 0;
        }
        const RowNumbers rows = numbers.of(text);
        const RowNumbers next = d.units == 0 && i + 1 < d.texts ? numbers.of(order[i + 1]) : RowNumbers{nullptr, 0};
        if (d.targets[text] < 0 || rows.count == 0) continue;

        const auto share = static_cast<float>(1 / static_cast<double>(rows.count));
        kernels.mean(in.at(0), blocks, rows.rows, rows.count, next.rows, next.count, share, hidden);

        terms.select(d, static_cast<size_t>(d.targets[text]), static_cast<uint64_t>(epoch) * d.texts + i);
        const size_t count = terms.count();
        for (size_t t = 0; t < count; t++) {
          scores[t] = static_cast<double>(kernels.dot(out.at(terms.row(t)), hidden, blocks));
        }
        to_probabilities(d, exponential, scores.data(), count);

        std::fill_n(gradient, width, 0.0f);
        for (size_t t = 0; t < count; t++) {
          const bool truth = terms.truth(t);
          const auto step = static_cast<float>(rate * ((truth ? 1.0 : 0.0) - scores[t]));
          kernels.step(step, hidden, out.at(terms.row(t)), gradient, blocks);
          if (d.loss != Loss::kSoftmax || truth) loss -= logarithm_of(d.logarithm, truth ? scores[t] : 1 - scores[t]);
        }
        for (size_t k = 0; k < width; k++) gradient[k] *= share;
        kernels.add(in.at(0), blocks, rows.rows, rows.count, gradient);
        trained++;
      }
      losses[epoch] = trained == 0 ? 0 : loss / static_cast<double>(trained);
    }
  }
  std::copy_n(output_room.data(), output_floats, output);
  return true;
}

}  // namespace corpusmill::fasttext
