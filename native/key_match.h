// Records with equal keys: the kernel behind src/dedup/key-groups.ts, whose twin in TypeScript is src/dedup/key-matcher.ts.
//
// Keys are hashes of 64 or 128 bits, given as columns of 32-bit words. Records are brought together by the upper bits of
// their first word (a radix partition, which keeps their order); then each partition is matched in a probe table that the
// L2 cache holds. Few keys repeat, so two passes over sets of bits first leave out most records that are alone.
//
// Time of a record of 64 bits: 4 ns among 64,000, 6 among a million, 10 among ten million; twice that where most repeat.
// Memory: 12 bytes a record (20 with 128 bits) and 24 for those of the largest partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace corpusmill::keys {

// Rows of columns: the key of row i is word i of each, its id `first_id` + i.
struct Block {
  const uint32_t* columns[4];
  size_t rows;
  uint32_t first_id;
  // The rows that count, a bit for each id; null: all.
  const uint32_t* set;
};

// Adds to `sizes` how many rows have each prefix, the bits of their first word from `shift` on.
void count_prefixes(const Block& block, unsigned shift, uint32_t* sizes);

// Uninitialized words in large pages, which grow and are used again.
class Words {
 public:
  ~Words();
  Words() = default;
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  // Room for so many, without what was there; false: there is not enough memory.
  bool reserve(size_t words);
  uint32_t* data() const { return data_; }
  size_t bytes() const { return 4 * room_; }

 private:
  uint32_t* data_ = nullptr;
  size_t room_ = 0;
};

enum class Form {
  kGroups,  // of each repeated key: how many, then their ids, ascending
  kPairs,   // of each record whose key an earlier one has: the first of that key, then itself
};

class Matcher {
 public:
  // `words` of a key: 2 or 4.
  explicit Matcher(size_t words) : words_(words) {}

  size_t words() const { return words_; }
  // Makes room for the records with prefixes from `from` on, `sizes[0, prefixes)` many; false: there is not enough memory.
  bool begin(const uint32_t* sizes, size_t from, size_t prefixes, unsigned shift);
  // Takes the records with those prefixes; false: there are more than were announced.
  bool add(const Block& block);
  // Whether there are as many as were announced.
  bool is_filled() const;
  // Writes groups or pairs by prefix, then by first id, and returns the words written, 0 when there are no more. `needed` is
  // set where the next group has no room in the whole of `out`. Called when filled, for one form.
  size_t match(Form form, uint32_t* out, size_t room, size_t* needed);
  // Of all memory.
  size_t bytes() const { return store_.bytes() + suspects_.bytes() + chain_.bytes() + table_.bytes(); }

 private:
  template <size_t kWords>
  bool scatter(const Block& block);
  template <size_t kWords>
  size_t suspect(const uint32_t* records, size_t size);
  template <size_t kWords>
  void link(const uint32_t* records, size_t size);
  bool next_first();
  size_t write_groups(uint32_t* out, size_t room, size_t at, size_t* needed);
  size_t write_pairs(uint32_t* out, size_t room, size_t at);
  uint32_t id_of(uint32_t suspect) const { return records_[suspects_.data()[suspect] * (1 + words_)]; }

  const size_t words_;
  unsigned shift_ = 0;
  size_t from_ = 0;
  size_t total_ = 0;
  // By prefix: its end in the store, and where its next record goes, in records.
  std::vector<uint32_t> ends_, next_;
  // id, then the key.
  Words store_;
  // Of the partition at hand: places of the records whose key may be repeated; by their numbers the next of the same key (0:
  // there is none) and a mark at the first of a repeated key.
  Words suspects_, chain_;
  std::vector<uint64_t> marked_;
  // Two sets of bits by which suspects are found; then slots, each 1 + the suspect of its key met last.
  Words table_;

  // Where `match` stands: the partition that is linked, behind it the next; the word of marks that is read, what is left of
  // it; the first of the group that is written, and of a pair the record that comes next (0: the group is done).
  size_t prefix_ = 0;
  const uint32_t* records_ = nullptr;
  size_t mark_word_ = 0, mark_words_ = 0;
  uint64_t marks_ = 0;
  uint32_t first_ = 0, record_ = 0;
};

}  // namespace corpusmill::keys
