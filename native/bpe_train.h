// The loop of BPE training: see src/tokenizer/bpe-merge-loop.ts, the twin, whose merges these are.
//
// A merge visits the words of its pair, cut among the threads; each thread rewrites its words and sums what changes for
// each neighbouring symbol. Then one thread brings the pairs up to date, once per neighbour: what left the old pair, and
// the new pair where it is frequent enough to be in the index (bpe_pairs.h). A new pair occurs at most as often as the old
// one did, so neighbours whose old pair is not in the index are passed over at the first look.
// New pairs are pushed when all words are done, not before: in runs of one symbol a pair can gain what it then loses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bpe_pairs.h"
#include "bpe_words.h"
#include "thread_team.h"

namespace corpusmill::bpe {

// How two equally frequent pairs are ordered: the smaller ids first, or the greater bytes.
enum class Tie : uint32_t { kIds, kBytes };

// The bytes of every symbol.
//
// All bytes lie in one string, and a table of open addressing says which are known.
class SymbolBytes {
 public:
  // Token i is bytes[starts[i], starts[i + 1]). The first `symbols` are symbols; no merge may make any of them anew.
  SymbolBytes(const uint8_t* bytes, const double* starts, size_t tokens, size_t symbols);

  // Adds the symbol that joins two; false, and nothing is added, where its bytes are a token already.
  bool join(uint32_t left, uint32_t right);
  // Whether (left_a, right_a) goes before (left_b, right_b): greater bytes on the left, then on the right.
  bool greater(uint32_t left_a, uint32_t right_a, uint32_t left_b, uint32_t right_b) const;

 private:
  struct Range {
    size_t start, length;
  };
  static constexpr Range kFree{SIZE_MAX, 0};
  static constexpr size_t kFewestSlots = 1 << 10;

  std::string_view bytes_of(const Range& range) const { return std::string_view(bytes_).substr(range.start, range.length); }
  std::string_view of(uint32_t symbol) const { return bytes_of(symbols_[symbol]); }
  // False where these bytes were known already.
  bool learn(const Range& range);
  // The slot of these bytes, or the free one in which they belong.
  size_t slot_of(std::string_view bytes) const;

  std::string bytes_;
  std::vector<Range> symbols_;
  std::vector<Range> slots_;  // known bytes
  size_t used_ = 0;
};

class MergeLoop {
 public:
  virtual ~MergeLoop() = default;
  // Makes up to `most` merges, the next of them as entry `*merges` of the arrays; false: nothing is left to merge.
  virtual bool advance(size_t most, size_t* merges, int32_t* lefts, int32_t* rights, double* pair_counts) = 0;
  virtual int64_t symbol_total() = 0;
};

// Words as 8-bit symbols that `symbol_of` numbers, or as 32-bit symbols; word i is [starts[i], starts[i + 1]).
struct MergeWords {
  const uint8_t* bytes;
  const int32_t* symbol_of;  // of 256 bytes
  const int32_t* symbols;    // in place of both
  const uint32_t* starts;
  const double* counts;  // whole numbers
  size_t word_count;
};

// `symbol_count`: those in the words and those that merges can make, the first of which is `first_new`. Null: the words
// pass 32 GiB.
std::unique_ptr<MergeLoop> create_merge_loop(const MergeWords& words, uint32_t first_new, uint32_t symbol_count,
                                             int64_t min_frequency, Tie tie, SymbolBytes bytes, size_t threads);

}  // namespace corpusmill::bpe
