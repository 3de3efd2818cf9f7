// Ids of a text: scan, cut further where no merge can reach across, look each piece up, merge what is new.
//
// Nine pieces in ten were seen before. So pieces of up to 15 bytes, which nearly all are, are the keys of a table whose
// slots hold key and ids in half a cache line; slots are asked for well before they are read. Longer pieces (a Chinese clause
// is one) are first cut at borders between characters that no merge crosses (Model::may_join), which leaves words of two or
// three characters: ids stay exact, since what no merge joins is merged each by itself.
// Twin: src/tokenizer/piece-encoder.ts. Guarded by bench/tokenizer-encode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bpe_merge.h"
#include "bpe_model.h"
#include "bpe_scan.h"

namespace corpusmill::bpe {

// Ids in memory that grows and is not written to before it is used.
class Ids {
 public:
  // Makes room for `more` ids behind those there are. False: there is no memory.
  bool reserve(size_t more);
  void clear();
  uint32_t* data() { return data_.get(); }
  const uint32_t* data() const { return data_.get(); }
  uint32_t* end() { return data_.get() + size_; }
  size_t size() const { return size_; }
  void set_end(const uint32_t* end) { size_ = static_cast<size_t>(end - data_.get()); }

 private:
  struct Free {
    void operator()(uint32_t* data) const { std::free(data); }
  };
  std::unique_ptr<uint32_t[], Free> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// The most bytes that one call takes, so that every offset fits 32 bits.
constexpr size_t kMostBytes = 0x7fffffff;
// Bytes behind a text that may be read, whatever they are.
constexpr size_t kPadding = 16;

class Encoder {
 public:
  Encoder(std::shared_ptr<const Model> model, Pattern pattern);

  // Appends the ids of bytes[0, length), behind which there are kPadding more bytes. -1; or the first byte that has no token;
  // or kNoMemory.
  int encode(const uint8_t* bytes, size_t length, Ids& ids);

  static constexpr int kNoMemory = -2;

 private:
  struct Key {
    uint64_t low;
    uint64_t high;  // its last byte: the length, and kPart
    bool operator==(const Key&) const = default;
  };
  struct Slot {
    Key key;
    // Up to three ids, or where more begin in `spill_`; and their number.
    uint32_t ids[4];
  };
  // Two slots share a cache line; the one that was not used last makes room.
  struct alignas(64) Set {
    Slot slots[2];
  };
  struct LongSlot {
    uint64_t hash;
    uint32_t key_at;
    uint32_t length;
    uint32_t ids_at;
    uint32_t count;
  };
  static constexpr size_t kBlock = 512;

  static Key key_of(const uint8_t* bytes, size_t length);
  static uint64_t hash_of(const Key& key);

  void cut(const uint8_t* bytes, size_t start, size_t end, Ids& ids);
  void flush(const uint8_t* bytes, Ids& ids);
  size_t merge_piece(const uint8_t* bytes, size_t length, bool is_part, uint32_t* out);
  size_t encode_long(const uint8_t* bytes, size_t length, bool is_part, uint32_t* out);
  void remember(Set& set, const Key& key, const uint32_t* ids, size_t count);

  std::shared_ptr<const Model> model_;
  Pattern pattern_;
  Merger merger_;
  bool is_whole_alphabet_;
  std::unique_ptr<Set[]> sets_;
  std::vector<uint32_t> spill_;
  std::vector<LongSlot> long_slots_;
  std::vector<uint8_t> long_keys_;
  std::vector<uint32_t> long_ids_;
  size_t long_count_ = 0;
  // The pieces that wait for `flush`: the first begins at `from_`, each of the others where the one before ends.
  size_t from_ = 0;
  size_t waiting_ = 0;
  // The upper bit says that a piece was cut, where that matters: parts are no tokens of Model::whole_token.
  uint32_t cuts_[kBlock];
  bool failed_ = false;
};

}  // namespace corpusmill::bpe
