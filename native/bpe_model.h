// A BPE vocabulary as encoding looks things up in it: pairs of ids that merge, and borders between characters that no merge
// ever crosses. Built once, never written to again, shared by every thread (see `shared_model`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "inline.h"

namespace corpusmill::bpe {

// What a model is made of; src/tokenizer/hf-json.ts, BpeTables.
struct Vocabulary {
  // By rank: the ids that are joined and what they become.
  const int32_t* lefts;
  const int32_t* rights;
  const int32_t* products;
  size_t merges;
  // Bytes of token i: bytes[starts[i], starts[i + 1]); empty where there is none.
  const uint8_t* bytes;
  const uint32_t* starts;
  size_t tokens;
  // Id of each single byte, or -1.
  const int32_t* byte_ids;
  // By id, whether a piece that is this token as a whole is not merged (Llama 3); null where all are.
  const uint8_t* wholes;
};

constexpr uint32_t kNoMerge = 0xffffffff;

struct Merge {
  uint32_t rank;
  uint32_t product;
};

class Model {
 public:
  explicit Model(const Vocabulary& vocabulary);

  bool is_of(const Vocabulary& vocabulary) const;

  // Rank and product of the merge of two ids; rank kNoMerge where there is none.
  CORPUSMILL_INLINE Merge merge_of(uint32_t left, uint32_t right) const {
    const uint64_t key = (static_cast<uint64_t>(left) << 32) | right;
    const uint64_t hash = hash_pair(key);
    const uint64_t bit = hash >> filter_shift_;
    if (((filter_[bit >> 6] >> (bit & 63)) & 1) == 0) return {kNoMerge, 0};
    for (size_t slot = hash >> slot_shift_;; slot = (slot + 1) & slot_mask_) {
      const Slot& here = slots_[slot];
      if (here.key == key) return here.merge;
      if (here.key == kEmpty) return {kNoMerge, 0};
    }
  }

  // Rank of the merge of the tokens of two bytes, or kNoMerge.
  CORPUSMILL_INLINE uint32_t byte_rank(uint8_t left, uint8_t right) const {
    return byte_ranks_[(static_cast<size_t>(left) << 8) | right];
  }

  // Id of the character of three bytes at `at`, where merging is sure to put its bytes together before anything else happens to
  // them; or -1. See src/tokenizer/char-tokens.ts.
  CORPUSMILL_INLINE int32_t whole_character(const uint8_t* bytes, size_t at, size_t length) const {
    if (characters_.empty()) return -1;
    const Character& here =
        characters_[((bytes[at] & 0x0fu) << 12) | ((bytes[at + 1] & 0x3fu) << 6) | (bytes[at + 2] & 0x3fu)];
    if (here.id < 0) return -1;
    if (at > 0 && here.rank >= border_ranks_[(static_cast<size_t>(bytes[at - 1]) << 8) | bytes[at]]) return -1;
    if (at + 3 < length && here.rank >= border_ranks_[(static_cast<size_t>(bytes[at + 2]) << 8) | bytes[at + 3]]) return -1;
    return here.id;
  }

  uint32_t product(uint32_t rank) const { return static_cast<uint32_t>(products_[rank]); }

  // Of characters packed by `pack`: false when no merge joins anything across the border between them. Then what lies before
  // the border and what lies behind it are merged each by itself. True says nothing.
  CORPUSMILL_INLINE bool may_join(uint32_t left, uint32_t right) const {
    const uint64_t bit = hash_pair((static_cast<uint64_t>(left) << 32) | right) >> border_shift_;
    if (((borders_[bit >> 6] >> (bit & 63)) & 1) != 0) return true;
    // `pack` leaves the last byte lowest and the first where the width says.
    const size_t torn = ((left & 0xff) << 8) | first_byte(right);
    return ((torn_[torn >> 6] >> (torn & 63)) & 1) != 0;
  }

  static CORPUSMILL_INLINE uint32_t pack(const uint8_t* bytes, size_t width) {
    switch (width) {
      case 1: return bytes[0];
      case 2: return (static_cast<uint32_t>(bytes[0]) << 8) | bytes[1];
      case 3: return (static_cast<uint32_t>(bytes[0]) << 16) | (static_cast<uint32_t>(bytes[1]) << 8) | bytes[2];
      default:
        return (static_cast<uint32_t>(bytes[0]) << 24) | (static_cast<uint32_t>(bytes[1]) << 16) |
               (static_cast<uint32_t>(bytes[2]) << 8) | bytes[3];
    }
  }

  // Id of the token with exactly these bytes that is taken whole, or -1.
  int32_t whole_token(const uint8_t* bytes, size_t length) const;

  int32_t byte_id(uint8_t byte) const { return byte_ids_[byte]; }
  size_t merges() const { return products_.size(); }
  bool has_wholes() const { return !wholes_.empty(); }
  // Every merge stands after those that make its parts, so a pair that a merge creates has a higher rank than that merge.
  bool is_monotone() const { return is_monotone_; }
  // Largest number that is an id, plus one.
  size_t tokens() const { return starts_.size() - 1; }

 private:
  struct Slot {
    uint64_t key;
    Merge merge;
  };
  struct Character {
    int32_t id = -1;
    // Of the merge that makes it.
    uint32_t rank = 0;
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};

  static CORPUSMILL_INLINE uint64_t hash_pair(uint64_t key) {
    key *= 0x9e3779b97f4a7c15;
    key ^= key >> 32;
    return key * 0xd6e8feb86659fd93;
  }
  static CORPUSMILL_INLINE uint32_t first_byte(uint32_t packed) {
    if (packed < 0x100) return packed;
    if (packed < 0x10000) return packed >> 8;
    if (packed < 0x1000000) return packed >> 16;
    return packed >> 24;
  }

  bool is_joined(size_t product, size_t left, size_t right) const;
  void add_border(size_t left, size_t right);
  void index_whole_tokens();
  void index_characters();
  bool is_of_characters(size_t id) const;

  std::vector<Slot> slots_;
  size_t slot_mask_ = 0;
  int slot_shift_ = 0;
  std::vector<uint64_t> filter_;
  int filter_shift_ = 0;
  std::vector<uint32_t> byte_ranks_;
  std::vector<uint64_t> borders_;
  int border_shift_ = 0;
  std::vector<uint64_t> torn_;
  std::vector<int32_t> whole_slots_;
  // By code point; and by the bytes at a border between characters, the lowest rank that joins less than whole ones across it.
  std::vector<Character> characters_;
  std::vector<uint32_t> border_ranks_;
  bool is_monotone_ = true;
  // Copies, so that another thread's equal vocabulary can be known as such.
  std::vector<int32_t> lefts_, rights_, products_;
  std::vector<uint8_t> bytes_;
  std::vector<uint32_t> starts_;
  std::vector<uint8_t> wholes_;
  int32_t byte_ids_[256];
};

// The model of a vocabulary: one that another thread uses already, or a new one.
std::shared_ptr<const Model> shared_model(const Vocabulary& vocabulary);

}  // namespace corpusmill::bpe
