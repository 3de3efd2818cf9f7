// How often each distinct piece of text occurs: see src/tokenizer/piece-counts.ts, the twin.
//
// A piece is one record of count, length and bytes in an arena; slots of an open-addressing table hold 32 bits of the hash
// and the record's place. Pieces are counted in batches of three steps, each of which asks for the memory of the next:
// hash, look at the slot, compare and count. So the misses of a table that no cache holds overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bpe_scan.h"
#include "document_columns.h"

namespace corpusmill::bpe {

class PieceTable {
 public:
  size_t size() const { return size_; }
  // Bytes of all distinct pieces together.
  size_t piece_bytes() const { return piece_bytes_; }

  // Counts one occurrence of each piece of a text that `scan` cuts. Longer pieces than `most_bytes` are cut again, where a
  // character ends; returns how many were.
  size_t count_text(Pattern pattern, const uint8_t* bytes, size_t length, size_t most_bytes);
  // The first rows of a column of texts. Unless they are NFC, those that normalization may change are left out, and their rows
  // written to `left`, which has room for all.
  struct RowsCounted {
    size_t cut = 0, left = 0;
  };
  RowsCounted count_rows(Pattern pattern, const columns::Strings& texts, size_t rows, size_t most_bytes, bool are_nfc,
                         uint32_t* left);
  // `times` occurrences of each piece that ends at ends[0], ends[1] …, the first of which begins at `start`.
  size_t count_pieces(const uint8_t* bytes, size_t start, const uint32_t* ends, size_t count, uint64_t times,
                      size_t most_bytes);
  void add(const uint8_t* bytes, size_t length, uint64_t count);

  // The serialized form, whose layout piece-counts.ts describes: the directory and the partitions.
  std::string serialize() const;
  // Adds the pieces of a partition. False: the bytes are not such pieces; some may have been added.
  bool add_partition(const uint8_t* bytes, size_t length);
  // Leaves each piece in one of the tables alone, with its whole count: the work of each on a thread of its own.
  static void gather(const std::vector<PieceTable*>& tables);

  // Copies the pieces of tables, those of the first before those of the second: their bytes, where each begins, its count.
  static void read_all(const std::vector<PieceTable*>& tables, uint8_t* arena, uint32_t* starts, double* counts);
  // Drops pieces that occur `most` times or less.
  void drop(uint64_t most);
  // The counts alone, in the same order.
  void counts(double* counts) const;

 private:
  struct Slot {
    uint32_t hash;    // its high bits are where the slot should be
    uint32_t record;  // place in the arena + 1, in units of 4 bytes; 0: empty
  };
  struct Wanted {
    const uint8_t* bytes;
    uint32_t length, hash;
  };
  // An array that grows in place where the system can: a vector's copies are a tenth of the time.
  class Arena {
   public:
    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(Arena&& other) noexcept;
    ~Arena();
    // The place of `words` more entries, whose content is undefined.
    size_t take(size_t words);
    uint32_t* at(size_t place) { return data_ + place; }
    const uint32_t* at(size_t place) const { return data_ + place; }
    size_t size() const { return size_; }

   private:
    void grow(size_t capacity);

    uint32_t* data_ = nullptr;
    size_t size_ = 0, capacity_ = 0;
  };

  template <typename Task>
  void each(Task task) const;
  void read(uint8_t* arena, uint32_t* starts, uint32_t first_start, double* counts) const;
  template <typename Next>
  void add_all(Next next);
  // What a table gave away.
  struct Given {
    size_t pieces = 0, bytes = 0;
  };
  // Gives the pieces of a part that the other table has, too, to it. `size_` and `piece_bytes_` are left to the caller.
  void give(PieceTable& taker, size_t part, size_t parts, Given* given);
  // The first slot of this hash from `at` on, or null.
  const Slot* slot_with(uint32_t hash, size_t at) const;
  // The record of a piece, or null.
  uint32_t* find(const uint8_t* bytes, size_t length, uint32_t hash);
  void count_batch(const Wanted* wanted, size_t count, uint64_t times);
  void add_hashed(const Wanted& wanted, uint64_t count);
  void grow();

  size_t slot_of(uint32_t hash) const { return hash >> shift_; }

  Arena arena_;
  // 2^(32 - shift_) of them.
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  using Slots = std::unique_ptr<Slot[], Free>;
  static Slots empty_slots(int shift);

  size_t slot_count() const { return size_t{1} << (32 - shift_); }

  int shift_ = 32 - 12;
  Slots slots_ = empty_slots(shift_);
  size_t size_ = 0, piece_bytes_ = 0;
  // Slots in use: those of pieces that were given away stay.
  size_t used_ = 0;
};

}  // namespace corpusmill::bpe
