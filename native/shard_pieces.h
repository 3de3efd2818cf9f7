// The loops that deal documents to windows and send pieces to shards: src/shards/kernels/, whose TypeScript gives the same. Numbers
// that come from files are checked before they are used as places; a function that meets a wrong one returns false.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mix.h"

namespace corpusmill::shards {

// Numbers [0, items) over parts of equal size, but for one item, by a keyed permutation where there is one. The same as
// src/core/random.ts, keyedPermutation (Black & Rogaway 2002), and src/shards/packing.ts, equalBorders, in whose doubles the
// borders are computed.
class EvenParts {
 public:
  // first, parts, items, seed, whether to permute
  static constexpr size_t kWords = 5;

  struct Place {
    uint32_t part;
    uint32_t place;
  };

  // False where the words are none: `place_of` must not be called then.
  bool read(const double* words);

  // False for a number that is none of the items.
  bool place_of(uint64_t number, Place& found) const;

 private:
  uint64_t permuted(uint64_t number) const;

  uint32_t first_ = 0;
  uint64_t items_ = 0;
  std::vector<double> borders_;
  bool permutes_ = false;
  int half_bits_ = 1;
  uint64_t mask_ = 0;
  uint32_t keys_[4] = {};
};

template <typename T>
struct Column {
  T* data = nullptr;
  size_t size = 0;
};

struct DealtPart {
  Column<const uint32_t> lengths;
  const uint32_t* sources = nullptr;
  size_t source_count = 0;
  // Null: all of set 0.
  const uint8_t* sides = nullptr;
};

struct Dealt {
  Column<uint32_t> window;
  Column<uint32_t> records;
  Column<uint32_t> counts;
  // Of each set.
  double* next = nullptr;
  size_t dealt = 0;
  size_t documents = 0;
};

constexpr size_t kDealtWords = 3;
constexpr uint32_t kLeftOut = 2;

// `tallies` has two numbers for each set and source.
bool deal_documents(const DealtPart& part, const std::vector<EvenParts>& sets, Dealt& dealt, double* tallies);

// `starts` have whole numbers, of records.
bool sort_records(Column<const uint32_t> buckets, const uint32_t* records, size_t width, Column<double> starts,
                  Column<uint32_t> out);

constexpr size_t kPackedWords = 5;

struct PackedColumns {
  size_t pieces = 0;
  const uint32_t* document = nullptr;
  const uint32_t* start = nullptr;
  const uint32_t* length = nullptr;
  const uint32_t* row = nullptr;
  const uint32_t* at = nullptr;
};

// Documents of a window by their places; `words` has room for all pieces, `counts` a number for each group.
bool group_pieces(Column<const uint32_t> place_of, const uint32_t* document_of, Column<const uint32_t> group_end, size_t places,
                  const PackedColumns& packed, uint32_t* counts, uint32_t* words);

bool place_pieces(Column<const uint32_t> packed, Column<uint32_t> next, const EvenParts& rows, uint64_t first_row,
                  uint32_t* words, Column<uint32_t> shard);

// src/shards/kernels/route-pieces.ts, ROUTED.
enum Routed : size_t { kRow, kAt, kLength, kStart, kPart, kToken, kSource, kIdBytes, kRoutedWords };

struct GroupDocuments {
  size_t documents = 0;
  const uint32_t* part = nullptr;
  const uint32_t* token_at = nullptr;
  const uint32_t* source = nullptr;
  // One more than there are documents.
  const double* id_ends = nullptr;
};

bool route_pieces(const uint32_t* words, Column<const uint32_t> shard, const GroupDocuments& group, Column<double> starts,
                  uint32_t* out, uint32_t* documents, double* id_bytes);

bool join_ids(Column<const uint32_t> documents, Column<const double> id_ends, Column<const uint8_t> ids, Column<uint8_t> out);

struct RowColumns {
  size_t rows = 0;
  uint32_t first_row = 0;
  uint32_t context_length = 0;
  uint32_t* first_piece = nullptr;
  double* id_start = nullptr;
  double* id_end = nullptr;
  // Eight columns: row, piece, start, tokens, source, at, part, token.
  uint32_t* columns = nullptr;
  int32_t* seq_offsets = nullptr;
  int32_t* seq_lengths = nullptr;
  int32_t* padding = nullptr;
};

bool row_columns(const uint32_t* words, size_t pieces, const RowColumns& rows);

}  // namespace corpusmill::shards
