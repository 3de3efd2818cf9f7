#include "fasttext_texts.h"

#include <algorithm>
#include <cstring>

namespace corpusmill::fasttext {
namespace {

constexpr size_t kLeastSlots = 1 << 12;

}  // namespace

Texts::Texts() {
  if (!starts_.push(0) || !slots_.resize(kLeastSlots)) return;
  for (size_t i = 0; i < kLeastSlots; i++) slots_[i] = {0, -1};
}

bool Texts::grow() {
  Growing<Slot> larger;
  const size_t mask = 2 * slots_.size() - 1;
  if (!larger.resize(mask + 1)) return false;
  for (size_t i = 0; i <= mask; i++) larger[i] = {0, -1};
  for (size_t i = 0; i < slots_.size(); i++) {
    const Slot entry = slots_[i];
    if (entry.type < 0) continue;
    size_t slot = (entry.hash ^ entry.hash >> 15) & mask;
    while (larger[slot].type >= 0) slot = (slot + 1) & mask;
    larger[slot] = entry;
  }
  slots_.swap(larger);
  return true;
}

int64_t Texts::type_of(const uint8_t* word, size_t length, uint32_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t slot = (hash ^ hash >> 15) & mask;
  for (; slots_[slot].type >= 0; slot = (slot + 1) & mask) {
    if (slots_[slot].hash != hash) continue;
    const auto type = static_cast<size_t>(slots_[slot].type);
    if (starts_[type + 1] - starts_[type] == length && std::memcmp(bytes_.data() + starts_[type], word, length) == 0) {
      return static_cast<int64_t>(type);
    }
  }
  const size_t type = types();
  if (type == INT32_MAX || !bytes_.reserve(bytes_.size() + length) || !starts_.reserve(starts_.size() + 1) ||
      !hashes_.reserve(type + 1) || !counts_.reserve(type + 1)) {
    return -1;
  }
  if (2 * (type + 1) > slots_.size()) {
    if (!grow()) return -1;
    const size_t new_mask = slots_.size() - 1;
    for (slot = (hash ^ hash >> 15) & new_mask; slots_[slot].type >= 0;) slot = (slot + 1) & new_mask;
  }
  slots_[slot] = {hash, static_cast<int32_t>(type)};
  const size_t start = bytes_.size();
  bytes_.resize(start + length);
  std::copy_n(word, length, bytes_.data() + start);
  starts_.push(start + length);
  hashes_.push(hash);
  counts_.push(0);
  return static_cast<int64_t>(type);
}

bool Texts::add_token(const uint8_t* word, size_t length, uint32_t hash) {
  const int64_t type = type_of(word, length, hash);
  return type >= 0 && tokens_.push(static_cast<uint32_t>(type));
}

bool Texts::add(const uint8_t* bytes, size_t length) {
  const size_t before = tokens_.size();
  bool ok = lengths_.reserve(texts() + 1);
  scan_words(bytes, length, [&](size_t start, size_t size, uint32_t hash) {
    ok = ok && add_token(bytes + start, size, hash);
  });
  ok = ok && add_token(reinterpret_cast<const uint8_t*>(kEndOfText), kEndOfTextLength, kEndOfTextHash);
  if (!ok) {
    tokens_.resize(before);
    return false;
  }
  for (size_t i = before; i < tokens_.size(); i++) counts_[tokens_[i]]++;
  lengths_.push(static_cast<uint32_t>(tokens_.size() - before));
  return true;
}

void Texts::read_types(uint8_t* bytes, double* starts, double* counts) const {
  std::copy_n(bytes_.data(), bytes_.size(), bytes);
  for (size_t i = 0; i <= types(); i++) starts[i] = static_cast<double>(starts_[i]);
  for (size_t i = 0; i < types(); i++) counts[i] = static_cast<double>(counts_[i]);
}

void Texts::read_lengths(uint32_t* lengths) const { std::copy_n(lengths_.data(), texts(), lengths); }

size_t Texts::most_entries(size_t word_ngrams) const {
  size_t entries = tokens();
  for (size_t i = 0; i < texts(); i++) {
    const size_t length = lengths_[i];
    for (size_t n = 2; n <= word_ngrams && n <= length; n++) entries += length - n + 1;
  }
  return entries;
}

bool Texts::write_entries(const int32_t* unit_of, size_t longest, uint32_t bucket, int32_t* bits, size_t bit_words,
                          uint32_t first_ngram, uint32_t* entries, double* starts) const {
  const Remainder remainder(bucket);
  Growing<uint32_t> hashes, ranks;
  // Where each text's n-grams begin.
  Growing<size_t> ngrams;
  uint32_t longest_text = 0;
  for (size_t i = 0; i < texts(); i++) longest_text = std::max(longest_text, lengths_[i]);
  if (!ngrams.resize(texts()) || !hashes.resize(longest_text) || !ranks.resize(bit_words)) return false;

  // First the buckets themselves, since their ranks are known when all have been seen.
  const uint32_t* tokens = tokens_.data();
  size_t written = 0;
  starts[0] = 0;
  for (size_t i = 0; i < texts(); i++) {
    const size_t length = lengths_[i];
    for (size_t t = 0; t < length; t++) {
      if (unit_of[tokens[t]] >= 0) entries[written++] = static_cast<uint32_t>(unit_of[tokens[t]]);
    }
    ngrams[i] = written;
    if (longest > 1) {
      for (size_t t = 0; t < length; t++) hashes[t] = hashes_[tokens[t]];
      word_ngrams(hashes.data(), length, longest, remainder, [&](uint32_t b) {
        bits[b >> 5] |= static_cast<int32_t>(1u << (b & 31));
        entries[written++] = b;
      });
    }
    starts[i + 1] = static_cast<double>(written);
    tokens += length;
  }
  uint32_t rank = 0;
  for (size_t i = 0; i < bit_words; i++) {
    ranks[i] = rank;
    rank += bit_count(static_cast<uint32_t>(bits[i]));
  }
  for (size_t i = 0; i < texts(); i++) {
    const auto end = static_cast<size_t>(starts[i + 1]);
    for (size_t e = ngrams[i]; e < end; e++) entries[e] = first_ngram + rank_of(bits, ranks.data(), entries[e]);
  }
  return true;
}

}  // namespace corpusmill::fasttext
