// How fastText cuts a text into words and hashes words and n-grams: the native twin of src/quality/fasttext/word-scan.ts,
// word-hash.ts, word-ngrams.ts and subwords.ts, inlined into whoever walks a text.
//
// Source: fastText, dictionary.cc (`readWord`, `hash`, `computeSubwords`, `addWordNgrams`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "inline.h"

namespace corpusmill::fasttext {

constexpr uint32_t kFnvStart = 2166136261u, kFnvPrime = 16777619u;
constexpr char kLabelPrefix[] = "__label__";
constexpr size_t kLabelPrefixLength = sizeof kLabelPrefix - 1;
constexpr char kEndOfText[] = "</s>";
constexpr size_t kEndOfTextLength = sizeof kEndOfText - 1;

// Words end at ASCII white space and NUL.
CORPUSMILL_INLINE bool is_separator(uint8_t byte) { return byte <= 32 && (0x100003e01ull >> byte & 1) != 0; }

// FNV-1a that takes bytes from 0x80 up as negative numbers.
CORPUSMILL_INLINE uint32_t hash_byte(uint32_t state, uint8_t byte) {
  return (state ^ static_cast<uint32_t>(static_cast<int32_t>(static_cast<int8_t>(byte)))) * kFnvPrime;
}

CORPUSMILL_INLINE uint32_t hash_bytes(const uint8_t* bytes, size_t length) {
  uint32_t state = kFnvStart;
  for (size_t i = 0; i < length; i++) state = hash_byte(state, bytes[i]);
  return state;
}

inline const uint32_t kEndOfTextHash = hash_bytes(reinterpret_cast<const uint8_t*>(kEndOfText), kEndOfTextLength);

// Calls `use(start, length, hash)` for each word up to the end of the bytes or the word </s>, and says whether there was
// one. Words that begin like a label are passed over.
template <typename Use>
CORPUSMILL_INLINE bool scan_words(const uint8_t* bytes, size_t length, Use use) {
  for (size_t at = 0; at < length;) {
    while (at < length && is_separator(bytes[at])) at++;
    if (at == length) break;
    const size_t start = at;
    uint32_t hash = kFnvStart;
    do {
      hash = hash_byte(hash, bytes[at++]);
    } while (at < length && !is_separator(bytes[at]));
    const size_t size = at - start;
    if (hash == kEndOfTextHash && size == kEndOfTextLength && std::memcmp(bytes + start, kEndOfText, size) == 0) {
      return true;
    }
    const bool is_label = size >= kLabelPrefixLength && std::memcmp(bytes + start, kLabelPrefix, kLabelPrefixLength) == 0;
    if (!is_label) use(start, size, hash);
  }
  return false;
}

// Remainders by one divisor, by multiplication: a 64-bit division for each n-gram took a sixth of the time.
class Remainder {
 public:
  explicit Remainder(uint64_t divisor) : divisor_(divisor), inverse_(divisor < 2 ? 0 : UINT64_MAX / divisor) {}
  CORPUSMILL_INLINE uint32_t of(uint64_t value) const {
#ifdef __SIZEOF_INT128__
    // The quotient is at most 2 too small.
    const auto quotient = static_cast<uint64_t>(static_cast<unsigned __int128>(value) * inverse_ >> 64);
    uint64_t rest = value - quotient * divisor_;
    if (divisor_ < 2) return 0;
    while (rest >= divisor_) rest -= divisor_;
    return static_cast<uint32_t>(rest);
#else
    return divisor_ < 2 ? 0 : static_cast<uint32_t>(value % divisor_);
#endif
  }

 private:
  uint64_t divisor_, inverse_;
};

// Calls `use(bucket)` for each n-gram of 2 to `longest` of the words whose hashes are given.
template <typename Use>
CORPUSMILL_INLINE void word_ngrams(const uint32_t* hashes, size_t count, size_t longest, const Remainder& bucket,
                                   Use use) {
  const auto extended = [](uint32_t hash) { return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(hash))); };
  for (size_t i = 0; i + 1 < count; i++) {
    uint64_t h = extended(hashes[i]);
    for (size_t j = i + 1; j < count && j < i + longest; j++) {
      h = h * 116049371u + extended(hashes[j]);
      use(bucket.of(h));
    }
  }
}

// The hashed n-grams that have a row, as src/quality/fasttext/ngram-rows.ts has them.
CORPUSMILL_INLINE uint32_t bit_count(uint32_t x) {
  x -= x >> 1 & 0x55555555;
  x = (x & 0x33333333) + (x >> 2 & 0x33333333);
  return ((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

CORPUSMILL_INLINE bool has_bit(const int32_t* bits, uint32_t bucket) {
  return (static_cast<uint32_t>(bits[bucket >> 5]) >> (bucket & 31) & 1) != 0;
}

CORPUSMILL_INLINE uint32_t rank_of(const int32_t* bits, const uint32_t* ranks, uint32_t bucket) {
  const uint32_t below = static_cast<uint32_t>(bits[bucket >> 5]) & ~(UINT32_MAX << (bucket & 31));
  return ranks[bucket >> 5] + bit_count(below);
}

}  // namespace corpusmill::fasttext
