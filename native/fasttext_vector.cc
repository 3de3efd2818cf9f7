#include "fasttext_vector.h"

#include <algorithm>
#include <cstring>

#include "inline.h"

#ifdef CORPUSMILL_X86
#include <immintrin.h>
#endif

namespace corpusmill::fasttext {
namespace {

constexpr size_t kCacheBytes = 1 << 22, kMostRemembered = 1 << 16;
// Longer words hardly come again.
constexpr size_t kRememberedBytes = 48;
constexpr uint32_t kSecondPrime = 0x2c1b3c6d;
// Rows asked for ahead of their addition: a row of a large matrix comes from main memory.
constexpr size_t kAhead = 16;
// What one huge text needed beyond this many entries is given back.
constexpr size_t kRetained = 1 << 20;

// Sums of 8 * G columns from `column` on stay in registers while the rows go by, first to last.
template <int G>
void sum_portable(const float* values, const size_t* offsets, size_t count, size_t column, double* sum) {
  double acc[8 * G];
  std::copy_n(sum + column, 8 * G, acc);
  for (size_t i = 0; i < count; i++) {
    const float* const row = values + offsets[i] + column;
    for (int k = 0; k < 8 * G; k++) acc[k] += static_cast<double>(row[k]);
  }
  std::copy_n(acc, 8 * G, sum + column);
}

#ifdef CORPUSMILL_X86
template <int G>
__attribute__((target("avx2"))) void sum_avx2(const float* values, const size_t* offsets, size_t count, size_t column,
                                              double* sum) {
  __m256d acc[2 * G];
#pragma GCC unroll 8
  for (int j = 0; j < 2 * G; j++) acc[j] = _mm256_loadu_pd(sum + column + 4 * j);
  for (size_t i = 0; i < count; i++) {
    const float* const row = values + offsets[i] + column;
#pragma GCC unroll 8
    for (int j = 0; j < 2 * G; j++) acc[j] = _mm256_add_pd(acc[j], _mm256_cvtps_pd(_mm_loadu_ps(row + 4 * j)));
  }
#pragma GCC unroll 8
  for (int j = 0; j < 2 * G; j++) _mm256_storeu_pd(sum + column + 4 * j, acc[j]);
}

template <int G>
__attribute__((target("avx512f"))) void sum_avx512(const float* values, const size_t* offsets, size_t count,
                                                   size_t column, double* sum) {
  __m512d acc[G];
#pragma GCC unroll 8
  for (int j = 0; j < G; j++) acc[j] = _mm512_loadu_pd(sum + column + 8 * j);
  for (size_t i = 0; i < count; i++) {
    const float* const row = values + offsets[i] + column;
#pragma GCC unroll 8
    for (int j = 0; j < G; j++) acc[j] = _mm512_add_pd(acc[j], _mm512_cvtps_pd(_mm256_loadu_ps(row + 8 * j)));
  }
#pragma GCC unroll 8
  for (int j = 0; j < G; j++) _mm512_storeu_pd(sum + column + 8 * j, acc[j]);
}
#endif

using Sum = void (*)(const float*, const size_t*, size_t, size_t, double*);

// By the number of 8-column groups, 1 to 8.
struct Sums {
  int most;
  Sum of[8];
};

const Sums& sums() {
  static const Sums chosen = [] {
#ifdef CORPUSMILL_X86
    if (__builtin_cpu_supports("avx512f")) {
      return Sums{8, {sum_avx512<1>, sum_avx512<2>, sum_avx512<3>, sum_avx512<4>, sum_avx512<5>, sum_avx512<6>,
                      sum_avx512<7>, sum_avx512<8>}};
    }
    if (__builtin_cpu_supports("avx2")) return Sums{4, {sum_avx2<1>, sum_avx2<2>, sum_avx2<3>, sum_avx2<4>}};
#endif
    return Sums{2, {sum_portable<1>, sum_portable<2>}};
  }();
  return chosen;
}

void sum_rows(const float* values, const size_t* offsets, size_t count, size_t dim, double* sum) {
  const Sums& kernels = sums();
  size_t column = 0;
  while (column + 8 <= dim) {
    const int groups = static_cast<int>(std::min<size_t>(static_cast<size_t>(kernels.most), (dim - column) / 8));
    kernels.of[groups - 1](values, offsets, count, column, sum);
    column += 8 * static_cast<size_t>(groups);
  }
  for (; column < dim; column++) {
    double s = sum[column];
    for (size_t i = 0; i < count; i++) s += static_cast<double>(values[offsets[i] + column]);
    sum[column] = s;
  }
}

CORPUSMILL_INLINE void prefetch(const float* row, size_t dim) {
#if defined(__GNUC__) || defined(__clang__)
  for (size_t k = 0; k < dim; k += 16) __builtin_prefetch(row + k);
  __builtin_prefetch(row + dim - 1);
#else
  (void)row;
  (void)dim;
#endif
}

size_t power_of_two(size_t least) {
  size_t power = 2;
  while (power < least) power *= 2;
  return power;
}

}  // namespace

bool Vectorizer::init(const VectorSettings& settings, const uint8_t* word_bytes, const double* word_starts, size_t words,
                      const int32_t* bits, size_t bit_words) {
  settings_ = settings;
  words_ = words;
  bucket_ = Remainder(static_cast<uint64_t>(settings.bucket));
  const auto total = static_cast<size_t>(word_starts[words]);
  if (!word_bytes_.resize(total) || !word_starts_.resize(words + 1) || !slots_.resize(power_of_two(2 * words))) {
    return false;
  }
  std::copy_n(word_bytes, total, word_bytes_.data());
  for (size_t i = 0; i <= words; i++) word_starts_[i] = static_cast<uint64_t>(word_starts[i]);
  for (size_t i = 0; i < slots_.size(); i++) slots_[i] = {0, -1};
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < words; i++) {
    const uint8_t* const word = word_bytes_.data() + word_starts_[i];
    const size_t length = word_starts_[i + 1] - word_starts_[i];
    const uint32_t hash = hash_bytes(word, length);
    // A word that stands twice keeps its first number.
    if (find(word, length, hash) >= 0) continue;
    size_t slot = (hash ^ hash >> 15) & mask;
    while (slots_[slot].word >= 0) slot = (slot + 1) & mask;
    slots_[slot] = {hash, static_cast<int32_t>(i)};
  }
  if (settings.ngrams == NgramRows::kEvery) ngram_rows_ = static_cast<size_t>(settings.bucket);
  if (settings.ngrams == NgramRows::kOthersNothing || settings.ngrams == NgramRows::kOthersZeros) {
    if (!bits_.resize(bit_words) || !ranks_.resize(bit_words)) return false;
    uint32_t rank = 0;
    for (size_t i = 0; i < bit_words; i++) {
      bits_[i] = bits[i];
      ranks_[i] = rank;
      rank += bit_count(static_cast<uint32_t>(bits[i]));
    }
    ngram_rows_ = rank;
  }
  if (settings.ngrams != NgramRows::kNone && settings.maxn > 0) {
    size_t slots = 1;
    while (slots < kMostRemembered && 2 * slots * dim() * sizeof(float) <= kCacheBytes) slots *= 2;
    if (!remembered_.resize(slots) || !sums_.resize(slots * dim()) || !word_sum_.resize(dim())) return false;
    for (size_t i = 0; i < slots; i++) remembered_[i] = {0, 0, -1};
  }
  return true;
}

int32_t Vectorizer::find(const uint8_t* bytes, size_t length, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t slot = (hash ^ hash >> 15) & mask; slots_[slot].word >= 0; slot = (slot + 1) & mask) {
    if (slots_[slot].hash != hash) continue;
    const auto word = static_cast<size_t>(slots_[slot].word);
    const uint64_t start = word_starts_[word];
    if (word_starts_[word + 1] - start == length && std::memcmp(word_bytes_.data() + start, bytes, length) == 0) {
      return static_cast<int32_t>(word);
    }
  }
  return -1;
}

int64_t Vectorizer::row_of(uint32_t bucket) const {
  if (settings_.ngrams == NgramRows::kEvery) return static_cast<int64_t>(words_ + bucket);
  if (!has_bit(bits_.data(), bucket)) return settings_.ngrams == NgramRows::kOthersZeros ? -2 : -1;
  return static_cast<int64_t>(words_ + rank_of(bits_.data(), ranks_.data(), bucket));
}

bool Vectorizer::add_row(int64_t row) {
  if (row == -1) return true;
  count_++;
  return row < 0 || offsets_.push(static_cast<size_t>(row) * dim());
}

bool Vectorizer::add_subwords(const uint8_t* word, size_t length) {
  const auto minn = static_cast<size_t>(settings_.minn), maxn = static_cast<size_t>(settings_.maxn);
  const size_t size = length + 2;
  if (!padded_.resize(size)) return false;
  uint8_t* const padded = padded_.data();
  padded[0] = '<';
  std::copy_n(word, length, padded + 1);
  padded[size - 1] = '>';
  for (size_t i = 0; i < size; i++) {
    if ((padded[i] & 0xc0) == 0x80) continue;
    uint32_t hash = kFnvStart;
    for (size_t j = i, n = 1; j < size && n <= maxn; n++) {
      do {
        hash = hash_byte(hash, padded[j++]);
      } while (j < size && (padded[j] & 0xc0) == 0x80);
      if (n < minn || (n == 1 && (i == 0 || j == size))) continue;
      if (!add_row(row_of(bucket_.of(hash)))) return false;
    }
  }
  return true;
}

bool Vectorizer::add_word(const uint8_t* word, size_t length, uint32_t hash, const float* input, double* hidden) {
  uint32_t second = 0;
  for (size_t i = 0; i < length; i++) second = (second + word[i]) * kSecondPrime;
  const size_t slot = (hash ^ hash >> 17 ^ second >> 9) & (remembered_.size() - 1);
  Remembered& known = remembered_[slot];
  float* sum = sums_.data() + slot * dim();
  if (known.rows < 0 || known.hash != hash || known.second != second) {
    const size_t before = count_;
    offsets_.clear();
    if (!add_row(find(word, length, hash)) || !add_subwords(word, length)) return false;
    const size_t rows = count_ - before;
    std::fill_n(word_sum_.data(), dim(), 0.0);
    sum_rows(input, offsets_.data(), offsets_.size(), dim(), word_sum_.data());
    offsets_.clear();
    if (length > kRememberedBytes) {
      for (size_t k = 0; k < dim(); k++) hidden[k] += static_cast<double>(static_cast<float>(word_sum_[k]));
      return true;
    }
    known = {hash, second, static_cast<int32_t>(rows)};
    for (size_t k = 0; k < dim(); k++) sum[k] = static_cast<float>(word_sum_[k]);
    count_ = before;
  }
  count_ += static_cast<size_t>(known.rows);
  for (size_t k = 0; k < dim(); k++) hidden[k] += static_cast<double>(sum[k]);
  return true;
}

int64_t Vectorizer::read(const uint8_t* bytes, size_t length, bool end_of_text, const float* input, double* hidden) {
  text_words_.shrink(kRetained);
  hashes_.shrink(kRetained);
  offsets_.shrink(kRetained);
  text_words_.clear();
  offsets_.clear();
  count_ = 0;
  std::fill_n(hidden, dim(), 0.0);
  bool ok = true;
  const bool is_ended = scan_words(bytes, length, [&](size_t start, size_t size, uint32_t hash) {
    ok = ok && text_words_.push({static_cast<uint32_t>(start), static_cast<uint32_t>(size), hash});
  });
  const size_t words = text_words_.size();
  if (!ok || !hashes_.resize(words + 1)) return -1;
  const bool has_ngrams = settings_.ngrams != NgramRows::kNone;
  const bool has_subwords = has_ngrams && settings_.maxn > 0;
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < words; i++) {
#if defined(__GNUC__) || defined(__clang__)
    if (i + 4 < words) __builtin_prefetch(&slots_[(text_words_[i + 4].hash ^ text_words_[i + 4].hash >> 15) & mask]);
#else
    (void)mask;
#endif
    const Word& word = text_words_[i];
    hashes_[i] = word.hash;
    const uint8_t* const at = bytes + word.start;
    if (has_subwords ? !add_word(at, word.length, word.hash, input, hidden)
                     : !add_row(find(at, word.length, word.hash))) {
      return -1;
    }
  }
  size_t hashes = words;
  if (end_of_text || is_ended) {
    hashes_[hashes++] = kEndOfTextHash;
    if (!add_row(find(reinterpret_cast<const uint8_t*>(kEndOfText), kEndOfTextLength, kEndOfTextHash))) return -1;
  }
  if (has_ngrams && settings_.word_ngrams > 1) {
    word_ngrams(hashes_.data(), hashes, static_cast<size_t>(settings_.word_ngrams), bucket_,
                [&](uint32_t bucket) { ok = ok && add_row(row_of(bucket)); });
    if (!ok) return -1;
  }
  const size_t rows = offsets_.size();
  for (size_t done = 0; done < rows; done += kAhead) {
    for (size_t i = done + kAhead; i < std::min(rows, done + 2 * kAhead); i++) prefetch(input + offsets_[i], dim());
    sum_rows(input, offsets_.data() + done, std::min(kAhead, rows - done), dim(), hidden);
  }
  if (count_ > 0) {
    const double scale = 1.0 / static_cast<double>(count_);
    for (size_t k = 0; k < dim(); k++) hidden[k] *= scale;
  }
  return static_cast<int64_t>(count_);
}

}  // namespace corpusmill::fasttext
