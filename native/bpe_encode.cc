#include "bpe_encode.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "prefetch.h"

namespace corpusmill::bpe {
namespace {

constexpr size_t kMostKey = 15;
constexpr uint32_t kPart = 0x80000000;
// 4 MiB of slots.
constexpr int kSetBits = 16;
// Ids of pieces that have more than three. When they fill up, the table begins anew.
constexpr size_t kMostSpill = 1 << 18;

// Pieces that are too long for the table but not rare: long words of Cyrillic, runs of spaces and dashes.
constexpr size_t kMostLong = 96;
constexpr size_t kLongSlots = 1 << 14;
constexpr size_t kMostLongPieces = kLongSlots / 2;
constexpr size_t kMostLongBytes = 1 << 20;

// What one huge text needed beyond this is given back.
constexpr size_t kMostKeptIds = 1 << 22;

CORPUSMILL_INLINE uint64_t load(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (std::endian::native == std::endian::big) {
    uint64_t turned = 0;
    for (int i = 0; i < 8; i++) turned |= static_cast<uint64_t>(bytes[i]) << (8 * i);
    return turned;
  }
  return value;
}

// Bytes of a well-formed character.
CORPUSMILL_INLINE size_t width_of(uint8_t lead) { return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; }

uint64_t hash_long(const uint8_t* bytes, size_t length) {
  uint64_t hash = length * 0x9e3779b97f4a7c15;
  size_t at = 0;
  for (; at + 8 <= length; at += 8) hash = std::rotl(hash ^ load(bytes + at), 29) * 0xd6e8feb86659fd93;
  for (; at < length; at++) hash = std::rotl(hash ^ bytes[at], 29) * 0xd6e8feb86659fd93;
  return hash ^ (hash >> 32);
}

}  // namespace

bool Ids::reserve(size_t more) {
  if (size_ + more <= capacity_) return true;
  const size_t capacity = std::max(size_ + more, capacity_ + capacity_ / 2);
  // Not by new and copy: large blocks are moved by their page table.
  void* const larger = std::realloc(data_.get(), capacity * sizeof(uint32_t));
  if (larger == nullptr) return false;
  (void)data_.release();
  data_.reset(static_cast<uint32_t*>(larger));
  capacity_ = capacity;
  return true;
}

void Ids::clear() {
  size_ = 0;
  if (capacity_ <= kMostKeptIds) return;
  data_.reset();
  capacity_ = 0;
}

Encoder::Encoder(std::shared_ptr<const Model> model, Pattern pattern)
    : model_(std::move(model)), pattern_(pattern), sets_(new Set[size_t{1} << kSetBits]()), long_slots_(kLongSlots) {
  is_whole_alphabet_ = true;
  for (int byte = 0; byte < 256; byte++) {
    if (model_->byte_id(static_cast<uint8_t>(byte)) < 0) is_whole_alphabet_ = false;
  }
}

CORPUSMILL_INLINE Encoder::Key Encoder::key_of(const uint8_t* bytes, size_t length) {
  uint64_t low = load(bytes);
  uint64_t high = 0;
  if (length < 8) {
    low &= (uint64_t{1} << (8 * length)) - 1;
  } else if (length > 8) {
    high = load(bytes + 8) & ((uint64_t{1} << (8 * (length - 8))) - 1);
  }
  return {low, high | (static_cast<uint64_t>(length) << 56)};
}

CORPUSMILL_INLINE uint64_t Encoder::hash_of(const Key& key) {
  uint64_t hash = key.low * 0x9e3779b97f4a7c15 ^ key.high * 0xc2b2ae3d27d4eb4f;
  hash ^= hash >> 32;
  return (hash * 0xd6e8feb86659fd93) >> (64 - kSetBits);
}

int Encoder::encode(const uint8_t* bytes, size_t length, Ids& ids) {
  if (!is_whole_alphabet_) {
    for (size_t i = 0; i < length; i++) {
      if (model_->byte_id(bytes[i]) < 0) return bytes[i];
    }
  }
  failed_ = false;
  waiting_ = 0;
  from_ = 0;
  uint32_t ends[kBlock];
  size_t start = 0;
  while (start < length && !failed_) {
    const size_t count = scan(pattern_, bytes, start, length, ends, kBlock);
    for (size_t i = 0; i < count; i++) {
      const size_t end = ends[i];
      const size_t size = end - start;
      // A piece that ends in a wide character is likely one of a script without spaces.
      if (size > kMostKey || (size > 6 && bytes[end - 1] >= 0x80)) {
        cut(bytes, start, end, ids);
      } else {
        cuts_[waiting_++] = static_cast<uint32_t>(end);
        if (waiting_ == kBlock) flush(bytes, ids);
      }
      start = end;
    }
  }
  flush(bytes, ids);
  return failed_ ? kNoMemory : -1;
}

void Encoder::cut(const uint8_t* bytes, size_t start, size_t end, Ids& ids) {
  const auto add = [&](size_t at, uint32_t part) {
    cuts_[waiting_++] = static_cast<uint32_t>(at) | part;
    if (waiting_ == kBlock) flush(bytes, ids);
  };
  const uint32_t part = model_->has_wholes() ? kPart : 0;
  if (part != 0 && model_->whole_token(bytes + start, end - start) >= 0) return add(end, 0);
  size_t at = start;
  size_t width = std::min(width_of(bytes[at]), end - at);
  uint32_t before = Model::pack(bytes + at, width);
  at += width;
  while (at < end) {
    width = std::min(width_of(bytes[at]), end - at);
    const uint32_t here = Model::pack(bytes + at, width);
    if (!model_->may_join(before, here)) add(at, part);
    before = here;
    at += width;
  }
  add(end, part);
}

void Encoder::flush(const uint8_t* bytes, Ids& ids) {
  if (waiting_ == 0) return;
  const size_t last = cuts_[waiting_ - 1] & ~kPart;
  // One id stands for at least one byte; and ids are written four at a time.
  if (failed_ || !ids.reserve(last - from_ + 4)) {
    failed_ = true;
    from_ = last;
    waiting_ = 0;
    return;
  }
  Key keys[kBlock];
  uint32_t sets[kBlock];
  size_t start = from_;
  for (size_t i = 0; i < waiting_; i++) {
    const size_t end = cuts_[i] & ~kPart;
    if (end - start <= kMostKey) {
      keys[i] = key_of(bytes + start, end - start);
      keys[i].high |= static_cast<uint64_t>(cuts_[i] & kPart) << 32;
      sets[i] = static_cast<uint32_t>(hash_of(keys[i]));
      prefetch(&sets_[sets[i]]);
    }
    start = end;
  }
  uint32_t* out = ids.end();
  start = from_;
  for (size_t i = 0; i < waiting_; i++) {
    const size_t end = cuts_[i] & ~kPart;
    const bool is_part = (cuts_[i] & kPart) != 0;
    if (end - start > kMostKey) {
      out += encode_long(bytes + start, end - start, is_part, out);
      start = end;
      continue;
    }
    Set& set = sets_[sets[i]];
    if (set.slots[0].key != keys[i]) {
      if (set.slots[1].key == keys[i]) {
        std::swap(set.slots[0], set.slots[1]);
      } else {
        const size_t count = merge_piece(bytes + start, end - start, is_part, out);
        remember(set, keys[i], out, count);
        out += count;
        start = end;
        continue;
      }
    }
    const Slot& slot = set.slots[0];
    const size_t count = slot.ids[3];
    if (count <= 3) {
      std::memcpy(out, slot.ids, sizeof slot.ids);
    } else {
      std::memcpy(out, spill_.data() + slot.ids[0], count * sizeof(uint32_t));
    }
    out += count;
    start = end;
  }
  ids.set_end(out);
  from_ = last;
  waiting_ = 0;
}

void Encoder::remember(Set& set, const Key& key, const uint32_t* ids, size_t count) {
  Slot slot{key, {0, 0, 0, static_cast<uint32_t>(count)}};
  if (count <= 3) {
    std::copy_n(ids, count, slot.ids);
  } else {
    if (spill_.size() + count > kMostSpill) {
      std::fill_n(sets_.get(), size_t{1} << kSetBits, Set{});
      spill_.clear();
    }
    slot.ids[0] = static_cast<uint32_t>(spill_.size());
    spill_.insert(spill_.end(), ids, ids + count);
  }
  set.slots[1] = set.slots[0];
  set.slots[0] = slot;
}

size_t Encoder::merge_piece(const uint8_t* bytes, size_t length, bool is_part, uint32_t* out) {
  const int32_t whole = is_part ? -1 : model_->whole_token(bytes, length);
  if (whole < 0) return merger_.merge(*model_, bytes, length, out);
  *out = static_cast<uint32_t>(whole);
  return 1;
}

size_t Encoder::encode_long(const uint8_t* bytes, size_t length, bool is_part, uint32_t* out) {
  if (length > kMostLong) return merge_piece(bytes, length, is_part, out);
  // Of equal pieces the whole and the part differ in their hashes alone, but in all 64 bits.
  const uint64_t hash = is_part ? ~hash_long(bytes, length) : hash_long(bytes, length);
  size_t at = hash & (kLongSlots - 1);
  for (; long_slots_[at].length != 0; at = (at + 1) & (kLongSlots - 1)) {
    const LongSlot& slot = long_slots_[at];
    if (slot.hash != hash || slot.length != length || std::memcmp(long_keys_.data() + slot.key_at, bytes, length) != 0) {
      continue;
    }
    std::memcpy(out, long_ids_.data() + slot.ids_at, slot.count * sizeof(uint32_t));
    return slot.count;
  }
  const size_t count = merge_piece(bytes, length, is_part, out);
  if (long_count_ == kMostLongPieces || long_keys_.size() + length > kMostLongBytes) {
    std::fill(long_slots_.begin(), long_slots_.end(), LongSlot{});
    long_keys_.clear();
    long_ids_.clear();
    long_count_ = 0;
    at = hash & (kLongSlots - 1);
  }
  long_slots_[at] = {hash, static_cast<uint32_t>(long_keys_.size()), static_cast<uint32_t>(length),
                     static_cast<uint32_t>(long_ids_.size()), static_cast<uint32_t>(count)};
  long_keys_.insert(long_keys_.end(), bytes, bytes + length);
  long_ids_.insert(long_ids_.end(), out, out + count);
  long_count_++;
  return count;
}

}  // namespace corpusmill::bpe
