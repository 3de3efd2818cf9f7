#include "bpe_model.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>

namespace corpusmill::bpe {
namespace {

// The smallest power of two that is at least `least`, as its exponent.
int exponent_of(size_t least) { return std::max(6, static_cast<int>(std::bit_width(least - 1))); }

// Bytes of the character that a byte begins, or 0 when it begins none.
size_t width_of(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

uint64_t hash_bytes(const uint8_t* bytes, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x9e3779b97f4a7c15 ^ (hash >> 29);
  return hash ^ (hash >> 32);
}

template <typename T>
bool same(const std::vector<T>& ours, const T* theirs) {
  return ours.empty() || std::memcmp(ours.data(), theirs, ours.size() * sizeof(T)) == 0;
}

}  // namespace

Model::Model(const Vocabulary& v)
    : lefts_(v.lefts, v.lefts + v.merges),
      rights_(v.rights, v.rights + v.merges),
      products_(v.products, v.products + v.merges),
      bytes_(v.bytes, v.bytes + v.starts[v.tokens]),
      starts_(v.starts, v.starts + v.tokens + 1) {
  if (v.wholes != nullptr) wholes_.assign(v.wholes, v.wholes + v.tokens);
  std::copy_n(v.byte_ids, 256, byte_ids_);
  // Filters of about ten bits for each merge stay in the second-level cache; most pairs that are asked for do not merge.
  const int filter_exponent = exponent_of(v.merges * 8 + 1);
  filter_.assign(size_t{1} << (filter_exponent - 6), 0);
  filter_shift_ = 64 - filter_exponent;
  const int slot_exponent = exponent_of(v.merges + v.merges / 2 + 1);
  slots_.assign(size_t{1} << slot_exponent, Slot{kEmpty, {kNoMerge, 0}});
  slot_mask_ = slots_.size() - 1;
  slot_shift_ = 64 - slot_exponent;
  borders_.assign(filter_.size(), 0);
  border_shift_ = filter_shift_;
  torn_.assign(0x10000 / 64, 0);

  bool is_spelled = true;
  std::vector<int64_t> last_maker(v.tokens, -1);
  for (size_t rank = 0; rank < v.merges; rank++) last_maker[v.products[rank]] = static_cast<int64_t>(rank);
  for (size_t rank = 0; rank < v.merges; rank++) {
    const auto left = static_cast<uint32_t>(v.lefts[rank]);
    const auto right = static_cast<uint32_t>(v.rights[rank]);
    const uint64_t key = (static_cast<uint64_t>(left) << 32) | right;
    const uint64_t hash = hash_pair(key);
    const uint64_t bit = hash >> filter_shift_;
    filter_[bit >> 6] |= uint64_t{1} << (bit & 63);
    size_t slot = hash >> slot_shift_;
    while (slots_[slot].key != kEmpty && slots_[slot].key != key) slot = (slot + 1) & slot_mask_;
    // A pair that is listed twice keeps its last rank, as in HF's hash map.
    slots_[slot] = {key, {static_cast<uint32_t>(rank), static_cast<uint32_t>(v.products[rank])}};
    const auto place = static_cast<int64_t>(rank);
    if (last_maker[left] >= place || last_maker[right] >= place) is_monotone_ = false;
    if (is_joined(v.products[rank], left, right)) {
      add_border(left, right);
    } else {
      // A vocabulary whose words do not say what their merges do (a token that was added over one of them): no border is sure.
      std::fill(torn_.begin(), torn_.end(), ~uint64_t{0});
      is_spelled = false;
    }
  }
  byte_ranks_.assign(0x10000, kNoMerge);
  for (size_t left = 0; left < 256; left++) {
    for (size_t right = 0; right < 256; right++) {
      if (byte_ids_[left] < 0 || byte_ids_[right] < 0) continue;
      byte_ranks_[(left << 8) | right] =
          merge_of(static_cast<uint32_t>(byte_ids_[left]), static_cast<uint32_t>(byte_ids_[right])).rank;
    }
  }
  if (has_wholes()) index_whole_tokens();
  if (is_monotone_ && is_spelled) index_characters();
}

// Whether a token's bytes are those of two others, end to end.
bool Model::is_joined(size_t product, size_t left, size_t right) const {
  const auto length = [&](size_t id) { return static_cast<size_t>(starts_[id + 1] - starts_[id]); };
  const uint8_t* const bytes = bytes_.data() + starts_[product];
  return length(left) > 0 && length(right) > 0 && length(product) == length(left) + length(right) &&
         std::memcmp(bytes, bytes_.data() + starts_[left], length(left)) == 0 &&
         std::memcmp(bytes + length(left), bytes_.data() + starts_[right], length(right)) == 0;
}

// Notes that the merge of two tokens joins the last character of the one and the first of the other. The first merge to
// cross a border has it between its two parts, so noting these borders notes all. Where a part holds only a piece of the
// character, every border between two such bytes counts as crossed.
void Model::add_border(size_t left, size_t right) {
  const uint8_t* const left_start = bytes_.data() + starts_[left];
  const uint8_t* const left_end = bytes_.data() + starts_[left + 1];
  const uint8_t* const right_start = bytes_.data() + starts_[right];
  const size_t right_length = starts_[right + 1] - starts_[right];
  const size_t right_width = width_of(*right_start);
  if (right_width == 0) return;  // within a character
  const uint8_t* last = left_end - 1;
  while (last > left_start && left_end - last < 4 && width_of(*last) == 0) last--;
  const auto left_width = static_cast<size_t>(left_end - last);
  if (width_of(*last) == left_width && right_width <= right_length) {
    const uint64_t key = (static_cast<uint64_t>(pack(last, left_width)) << 32) | pack(right_start, right_width);
    const uint64_t bit = hash_pair(key) >> border_shift_;
    borders_[bit >> 6] |= uint64_t{1} << (bit & 63);
  } else {
    const size_t torn = (static_cast<size_t>(left_end[-1]) << 8) | *right_start;
    torn_[torn >> 6] |= uint64_t{1} << (torn & 63);
  }
}

// Whether a token is characters from end to end.
bool Model::is_of_characters(size_t id) const {
  const uint8_t* at = bytes_.data() + starts_[id];
  const uint8_t* const end = bytes_.data() + starts_[id + 1];
  while (at < end) {
    const size_t width = width_of(*at);
    if (width == 0 || static_cast<size_t>(end - at) < width) return false;
    for (size_t i = 1; i < width; i++) {
      if (width_of(at[i]) != 0) return false;
    }
    at += width;
  }
  return true;
}

void Model::index_characters() {
  characters_.assign(0x10000, {});
  border_ranks_.assign(0x10000, kNoMerge);
  for (size_t rank = 0; rank < merges(); rank++) {
    const auto left = static_cast<size_t>(lefts_[rank]);
    const auto right = static_cast<size_t>(rights_[rank]);
    const uint8_t first = bytes_[starts_[right]];
    if (width_of(first) != 0) {
      if (is_of_characters(left) && is_of_characters(right)) continue;
      uint32_t& lowest = border_ranks_[(static_cast<size_t>(bytes_[starts_[left + 1] - 1]) << 8) | first];
      lowest = std::min(lowest, static_cast<uint32_t>(rank));
      continue;
    }
    const auto id = static_cast<size_t>(products_[rank]);
    const uint8_t* const bytes = bytes_.data() + starts_[id];
    if (starts_[id + 1] - starts_[id] != 3 || width_of(bytes[0]) != 3 || !is_of_characters(id)) continue;
    // What its bytes merge to when they are alone.
    if (byte_ids_[bytes[0]] < 0 || byte_ids_[bytes[1]] < 0 || byte_ids_[bytes[2]] < 0) continue;
    const uint32_t ab = byte_rank(bytes[0], bytes[1]);
    const uint32_t bc = byte_rank(bytes[1], bytes[2]);
    if (ab == kNoMerge && bc == kNoMerge) continue;
    const Merge last = ab <= bc ? merge_of(product(ab), static_cast<uint32_t>(byte_ids_[bytes[2]]))
                                : merge_of(static_cast<uint32_t>(byte_ids_[bytes[0]]), product(bc));
    if (last.rank == kNoMerge) continue;
    characters_[((bytes[0] & 0x0fu) << 12) | ((bytes[1] & 0x3fu) << 6) | (bytes[2] & 0x3fu)] = {
        static_cast<int32_t>(last.product), last.rank};
  }
}

void Model::index_whole_tokens() {
  const int exponent = exponent_of(tokens() * 2 + 1);
  whole_slots_.assign(size_t{1} << exponent, -1);
  const size_t mask = whole_slots_.size() - 1;
  for (size_t id = 0; id < tokens(); id++) {
    const size_t length = starts_[id + 1] - starts_[id];
    if (length == 0 || wholes_[id] == 0) continue;
    size_t slot = hash_bytes(bytes_.data() + starts_[id], length) & mask;
    while (whole_slots_[slot] >= 0) slot = (slot + 1) & mask;
    whole_slots_[slot] = static_cast<int32_t>(id);
  }
}

int32_t Model::whole_token(const uint8_t* bytes, size_t length) const {
  if (!has_wholes()) return -1;
  const size_t mask = whole_slots_.size() - 1;
  int32_t found = -1;
  for (size_t slot = hash_bytes(bytes, length) & mask; whole_slots_[slot] >= 0; slot = (slot + 1) & mask) {
    const int32_t id = whole_slots_[slot];
    // Of equal tokens the last counts, as in the twin's map.
    if (starts_[id + 1] - starts_[id] == length && std::memcmp(bytes_.data() + starts_[id], bytes, length) == 0) {
      found = std::max(found, id);
    }
  }
  return found;
}

bool Model::is_of(const Vocabulary& v) const {
  return products_.size() == v.merges && tokens() == v.tokens && has_wholes() == (v.wholes != nullptr) &&
         same(lefts_, v.lefts) && same(rights_, v.rights) && same(products_, v.products) && same(starts_, v.starts) &&
         same(bytes_, v.bytes) && same(wholes_, v.wholes) && std::equal(v.byte_ids, v.byte_ids + 256, byte_ids_);
}

std::shared_ptr<const Model> shared_model(const Vocabulary& vocabulary) {
  static std::mutex guard;
  static std::vector<std::weak_ptr<const Model>> models;
  const std::lock_guard<std::mutex> lock(guard);
  std::erase_if(models, [](const auto& model) { return model.expired(); });
  for (const auto& known : models) {
    const std::shared_ptr<const Model> model = known.lock();
    if (model != nullptr && model->is_of(vocabulary)) return model;
  }
  const auto model = std::make_shared<const Model>(vocabulary);
  models.push_back(model);
  return model;
}

}  // namespace corpusmill::bpe
