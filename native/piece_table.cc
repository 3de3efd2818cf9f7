#include "piece_table.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "inline.h"
#include "large_pages.h"
#include "plain_nfc.h"
#include "prefetch.h"

namespace corpusmill::bpe {

namespace {

constexpr size_t kBatch = 64;
constexpr size_t kScanned = 2048;
// A record in the arena: the count in two halves, the length, then the bytes.
constexpr size_t kHeaderWords = 3;
// The count of a piece that another table has now.
constexpr uint64_t kGivenAway = 0;
// JavaScript has counts as doubles: no piece occurs more often.
constexpr uint64_t kMostCount = (uint64_t{1} << 53) - 1;
constexpr size_t kPartitionBits = 6, kPartitions = size_t{1} << kPartitionBits;
constexpr char kMagic[] = {'C', 'M', 'P', 'C', '2'};

CORPUSMILL_INLINE uint64_t load64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, 8);
  return value;
}
CORPUSMILL_INLINE uint64_t mix(uint64_t a, uint64_t b) {
  // The two halves of a product, without a 128-bit type, which not every compiler has.
  const uint64_t product = (a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
  return product ^ product >> 32 ^ (a + b) * 0xa0761d6478bd642fu;
}

uint32_t hash_of(const uint8_t* bytes, size_t length) {
  uint64_t hash = length * 0xe7037ed1a0b428dbu;
  if (length >= 8) {
    for (size_t i = 0; i + 8 < length; i += 8) hash = mix(hash ^ load64(bytes + i), hash);
    hash = mix(hash ^ load64(bytes + length - 8), hash);
  } else if (length >= 4) {
    uint32_t low, high;
    std::memcpy(&low, bytes, 4);
    std::memcpy(&high, bytes + length - 4, 4);
    hash = mix(hash ^ (static_cast<uint64_t>(high) << 32 | low), hash);
  } else if (length > 0) {
    const uint64_t value = bytes[0] | static_cast<uint64_t>(bytes[length / 2]) << 8 |
                           static_cast<uint64_t>(bytes[length - 1]) << 16;
    hash = mix(hash ^ value, hash);
  }
  hash ^= hash >> 29;
  hash *= 0x94d049bb133111ebu;
  return static_cast<uint32_t>(hash >> 32);
}

uint64_t count_of(const uint32_t* record) { return static_cast<uint64_t>(record[1]) << 32 | record[0]; }
void set_count(uint32_t* record, uint64_t count) {
  record[0] = static_cast<uint32_t>(count);
  record[1] = static_cast<uint32_t>(count >> 32);
}
const uint8_t* bytes_of(const uint32_t* record) { return reinterpret_cast<const uint8_t*>(record + kHeaderWords); }
bool is_piece(const uint32_t* record, const uint8_t* bytes, size_t length) {
  return record[2] == length && std::memcmp(bytes_of(record), bytes, length) == 0;
}
size_t words_of(size_t length) { return kHeaderWords + (length + 3) / 4; }

// `hashPiece` of src/tokenizer/piece-hash.ts, whose high bits choose the partition.
uint32_t partition_of(const uint8_t* bytes, size_t length) {
  uint32_t hash = static_cast<uint32_t>(length);
  for (size_t i = 0; i < length; i++) {
    hash = ((hash ^ bytes[i]) * 0x5bd1e995u) ^ hash >> 15;
  }
  hash = (hash ^ hash >> 16) * 0x2c1b3c6du;
  return (hash ^ hash >> 15) >> (32 - kPartitionBits);
}

void write_varint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}
void write_u32(std::string& out, size_t at, uint32_t value) {
  for (int i = 0; i < 4; i++) out[at + i] = static_cast<char>(value >> 8 * i);
}

bool read_varint(const uint8_t*& at, const uint8_t* end, uint64_t* value) {
  *value = 0;
  for (int shift = 0; at < end && shift < 63; shift += 7) {
    const uint8_t byte = *at++;
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 128) return true;
  }
  return false;
}

}  // namespace

CORPUSMILL_INLINE void PieceTable::add_hashed(const Wanted& wanted, uint64_t count) {
  const size_t mask = slot_count() - 1;
  size_t at = slot_of(wanted.hash);
  for (; slots_[at].record != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != wanted.hash) continue;
    uint32_t* const record = arena_.at(slots_[at].record - 1);
    if (is_piece(record, wanted.bytes, wanted.length)) {
      const uint64_t before = count_of(record);
      set_count(record, before + count);
      if (before == kGivenAway) {
        size_++;
        piece_bytes_ += wanted.length;
      }
      return;
    }
  }
  const size_t place = arena_.take(words_of(wanted.length));
  uint32_t* const record = arena_.at(place);
  set_count(record, count);
  record[2] = wanted.length;
  std::memcpy(record + kHeaderWords, wanted.bytes, wanted.length);
  slots_[at] = {wanted.hash, static_cast<uint32_t>(place + 1)};
  piece_bytes_ += wanted.length;
  size_++;
  if (++used_ * 3 > slot_count() * 2) grow();
}

PieceTable::Arena& PieceTable::Arena::operator=(Arena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

PieceTable::Arena::~Arena() { std::free(data_); }

size_t PieceTable::Arena::take(size_t words) {
  const size_t place = size_;
  if (place + words > capacity_) grow(std::max(place + words, capacity_ + capacity_ / 2));
  size_ += words;
  return place;
}

void PieceTable::Arena::grow(size_t capacity) {
  capacity_ = capacity;
  data_ = static_cast<uint32_t*>(std::realloc(data_, capacity_ * sizeof(uint32_t)));
  if (data_ == nullptr) std::abort();  // as new does here, where nothing can be thrown
  ask_for_large_pages(data_ + size_, (capacity_ - size_) * sizeof(uint32_t));
}

size_t PieceTable::count_text(Pattern pattern, const uint8_t* bytes, size_t length, size_t most_bytes) {
  uint32_t ends[kScanned];
  size_t cut = 0;
  for (size_t start = 0; start < length;) {
    const size_t count = scan(pattern, bytes, start, length, ends, kScanned);
    cut += count_pieces(bytes, start, ends, count, 1, most_bytes);
    start = ends[count - 1];
  }
  return cut;
}

PieceTable::RowsCounted PieceTable::count_rows(Pattern pattern, const columns::Strings& texts, size_t rows,
                                               size_t most_bytes, bool are_nfc, uint32_t* left) {
  RowsCounted counted;
  for (size_t row = 0; row < rows; row++) {
    const uint8_t* const bytes = texts.start(row);
    const size_t length = texts.length(row);
    if (are_nfc || is_plain_nfc(bytes, length)) {
      counted.cut += count_text(pattern, bytes, length, most_bytes);
    } else {
      left[counted.left++] = static_cast<uint32_t>(row);
    }
  }
  return counted;
}

size_t PieceTable::count_pieces(const uint8_t* bytes, size_t start, const uint32_t* ends, size_t count, uint64_t times,
                                size_t most_bytes) {
  Wanted wanted[kBatch];
  size_t cut = 0, waiting = 0;
  const auto want = [&](size_t from, size_t to) {
    const uint8_t* const piece = bytes + from;
    const uint32_t hash = hash_of(piece, to - from);
    prefetch(&slots_[slot_of(hash)]);
    wanted[waiting++] = {piece, static_cast<uint32_t>(to - from), hash};
    if (waiting < kBatch) return;
    count_batch(wanted, waiting, times);
    waiting = 0;
  };
  for (size_t i = 0; i < count; i++) {
    const size_t end = ends[i];
    cut += end - start > most_bytes;
    while (end - start > most_bytes) {
      size_t at = start + most_bytes;
      while (at > start + 1 && (bytes[at] & 0xc0) == 0x80) at--;
      want(start, at);
      start = at;
    }
    want(start, end);
    start = end;
  }
  count_batch(wanted, waiting, times);
  return cut;
}

void PieceTable::count_batch(const Wanted* wanted, size_t count, uint64_t times) {
  for (size_t i = 0; i < count; i++) {
    const Slot& slot = slots_[slot_of(wanted[i].hash)];
    if (slot.record != 0) prefetch(arena_.at(slot.record - 1));
  }
  for (size_t i = 0; i < count; i++) add_hashed(wanted[i], times);
}

void PieceTable::add(const uint8_t* bytes, size_t length, uint64_t count) {
  add_hashed({bytes, static_cast<uint32_t>(length), hash_of(bytes, length)}, count);
}

PieceTable::Slots PieceTable::empty_slots(int shift) {
  const size_t bytes = sizeof(Slot) << (32 - shift);
  Slots slots(static_cast<Slot*>(std::malloc(bytes)));
  if (slots == nullptr) std::abort();
  ask_for_large_pages(slots.get(), bytes);
  std::memset(static_cast<void*>(slots.get()), 0, bytes);
  return slots;
}

void PieceTable::grow() {
  const size_t old_count = slot_count();
  const Slots old = std::exchange(slots_, empty_slots(--shift_));
  const size_t mask = slot_count() - 1;
  for (size_t i = 0; i < old_count; i++) {
    if (old[i].record == 0) continue;
    size_t at = slot_of(old[i].hash);
    while (slots_[at].record != 0) at = (at + 1) & mask;
    slots_[at] = old[i];
  }
}

template <typename Task>
void PieceTable::each(Task task) const {
  for (size_t at = 0; at < arena_.size();) {
    const uint32_t* const record = arena_.at(at);
    if (count_of(record) != kGivenAway) task(bytes_of(record), static_cast<size_t>(record[2]), count_of(record));
    at += words_of(record[2]);
  }
}


std::string PieceTable::serialize() const {
  std::vector<std::string> partitions(kPartitions);
  for (std::string& partition : partitions) partition.reserve((piece_bytes_ + 3 * size_) / kPartitions);
  each([&](const uint8_t* bytes, size_t length, uint64_t count) {
    std::string& out = partitions[partition_of(bytes, length)];
    write_varint(out, count);
    write_varint(out, length);
    out.append(reinterpret_cast<const char*>(bytes), length);
  });
  std::string out(kMagic, sizeof kMagic);
  out.resize(sizeof kMagic + 4 * kPartitions);
  size_t end = 0;
  for (size_t i = 0; i < kPartitions; i++) {
    end += partitions[i].size();
    write_u32(out, sizeof kMagic + 4 * i, static_cast<uint32_t>(partitions[i].size()));
  }
  out.reserve(out.size() + end);
  for (std::string& partition : partitions) {
    out += partition;
    std::string().swap(partition);
  }
  return out;
}

// Adds the pieces that next(&wanted, &count) gives until it returns false. Their hashes are filled in here.
template <typename Next>
void PieceTable::add_all(Next next) {
  Wanted wanted[kBatch];
  uint64_t counts[kBatch];
  for (size_t waiting = kBatch; waiting == kBatch;) {
    for (waiting = 0; waiting < kBatch && next(&wanted[waiting], &counts[waiting]); waiting++) {
      wanted[waiting].hash = hash_of(wanted[waiting].bytes, wanted[waiting].length);
      prefetch(&slots_[slot_of(wanted[waiting].hash)]);
    }
    for (size_t i = 0; i < waiting; i++) {
      const Slot& slot = slots_[slot_of(wanted[i].hash)];
      if (slot.record != 0) prefetch(arena_.at(slot.record - 1));
    }
    for (size_t i = 0; i < waiting; i++) add_hashed(wanted[i], counts[i]);
  }
}

bool PieceTable::add_partition(const uint8_t* bytes, size_t length) {
  const uint8_t* at = bytes;
  const uint8_t* const end = bytes + length;
  bool is_good = true;
  add_all([&](Wanted* wanted, uint64_t* count) {
    if (at == end) return false;
    uint64_t piece;
    is_good = read_varint(at, end, count) && read_varint(at, end, &piece) && piece <= static_cast<uint64_t>(end - at);
    if (!is_good) return false;
    wanted->bytes = at;
    wanted->length = static_cast<uint32_t>(piece);
    at += piece;
    return true;
  });
  return is_good;
}

namespace {

// Calls work(i) for every i below `count`, each on a thread of its own.
template <typename Work>
void on_threads(size_t count, const Work& work) {
  std::vector<std::thread> threads;
  for (size_t i = 1; i < count; i++) threads.emplace_back(work, i);
  if (count > 0) work(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

void PieceTable::gather(const std::vector<PieceTable*>& tables) {
  const size_t count = tables.size();
  if (count < 2) return;
  // A part is the pieces of a range of hashes, in all tables; which table takes them differs, so that all stay of a size.
  std::vector<std::vector<Given>> given(count, std::vector<Given>(count));
  on_threads(count, [&](size_t part) {
    for (size_t first = 0; first + 1 < count; first++) {
      PieceTable& taker = *tables[(part + first) % count];
      for (size_t next = first + 1; next < count; next++) {
        const size_t giver = (part + next) % count;
        tables[giver]->give(taker, part, count, &given[part][giver]);
      }
    }
  });
  for (const std::vector<Given>& of_part : given) {
    for (size_t giver = 0; giver < count; giver++) {
      tables[giver]->size_ -= of_part[giver].pieces;
      tables[giver]->piece_bytes_ -= of_part[giver].bytes;
    }
  }
}

void PieceTable::give(PieceTable& taker, size_t part, size_t parts, Given* given) {
  const size_t mask = slot_count() - 1;
  const auto part_of = [&](uint32_t hash) { return static_cast<size_t>(uint64_t{hash} * parts >> 32); };
  const auto first_hash = [&](size_t i) { return ((uint64_t{i} << 32) + parts - 1) / parts; };
  // Slots are in the order of hashes, but for those that were pushed behind others: these end before the next free slot.
  const size_t end = slot_of(static_cast<uint32_t>(first_hash(part + 1) - 1));
  // Pieces whose records are compared together, so that the misses overlap.
  struct Match {
    uint32_t hash;
    uint32_t *own, *taken;
  };
  Match matches[kBatch];
  size_t waiting = 0;
  const auto settle = [&] {
    for (size_t i = 0; i < waiting; i++) {
      uint32_t* const own = matches[i].own;
      uint32_t* taken = matches[i].taken;
      if (count_of(own) == kGivenAway) continue;
      if (!is_piece(taken, bytes_of(own), own[2])) taken = taker.find(bytes_of(own), own[2], matches[i].hash);
      if (taken == nullptr || count_of(taken) == kGivenAway) continue;
      set_count(taken, count_of(taken) + count_of(own));
      set_count(own, kGivenAway);
      given->pieces++;
      given->bytes += own[2];
    }
    waiting = 0;
  };
  for (size_t at = slot_of(static_cast<uint32_t>(first_hash(part))); at <= end || slots_[at & mask].record != 0; at++) {
    const Slot& slot = slots_[at & mask];
    if (slot.record == 0 || part_of(slot.hash) != part) continue;
    const Slot* const found = taker.slot_with(slot.hash, taker.slot_of(slot.hash));
    if (found == nullptr) continue;
    matches[waiting] = {slot.hash, arena_.at(slot.record - 1), taker.arena_.at(found->record - 1)};
    prefetch(matches[waiting].own);
    prefetch(matches[waiting].taken);
    if (++waiting == kBatch) settle();
  }
  settle();
}

const PieceTable::Slot* PieceTable::slot_with(uint32_t hash, size_t at) const {
  const size_t mask = slot_count() - 1;
  for (at &= mask; slots_[at].record != 0; at = (at + 1) & mask) {
    if (slots_[at].hash == hash) return &slots_[at];
  }
  return nullptr;
}

uint32_t* PieceTable::find(const uint8_t* bytes, size_t length, uint32_t hash) {
  const Slot* slot = slot_with(hash, slot_of(hash));
  while (slot != nullptr) {
    uint32_t* const record = arena_.at(slot->record - 1);
    if (is_piece(record, bytes, length)) return record;
    slot = slot_with(hash, static_cast<size_t>(slot - slots_.get()) + 1);
  }
  return nullptr;
}

void PieceTable::read_all(const std::vector<PieceTable*>& tables, uint8_t* arena, uint32_t* starts, double* counts) {
  std::vector<size_t> first_pieces, first_bytes;
  size_t pieces = 0, bytes = 0;
  for (const PieceTable* table : tables) {
    first_pieces.push_back(pieces);
    first_bytes.push_back(bytes);
    pieces += table->size_;
    bytes += table->piece_bytes_;
  }
  on_threads(tables.size(), [&](size_t i) {
    tables[i]->read(arena, starts + first_pieces[i], static_cast<uint32_t>(first_bytes[i]), counts + first_pieces[i]);
  });
}

void PieceTable::read(uint8_t* arena, uint32_t* starts, uint32_t first_start, double* counts) const {
  size_t end = first_start, piece = 0;
  each([&](const uint8_t* bytes, size_t length, uint64_t count) {
    std::memcpy(arena + end, bytes, length);
    starts[piece] = static_cast<uint32_t>(end);
    counts[piece++] = static_cast<double>(count);
    end += length;
  });
}

void PieceTable::drop(uint64_t most) {
  PieceTable kept;
  if (most < kMostCount) {
    each([&](const uint8_t* bytes, size_t length, uint64_t count) {
      if (count > most) kept.add(bytes, length, count);
    });
  }
  *this = std::move(kept);
}

void PieceTable::counts(double* counts) const {
  each([&](const uint8_t*, size_t, uint64_t count) { *counts++ = static_cast<double>(count); });
}

}  // namespace corpusmill::bpe
