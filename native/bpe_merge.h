// Applying merges to one piece: always the pair of lowest rank, leftmost first, until none merges. Twin and definition:
// src/tokenizer/bpe-merge-piece.ts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpe_model.h"

namespace corpusmill::bpe {

// Holds scratch; one for each thread.
class Merger {
 public:
  // Ids of the bytes, each of which has a token of its own, are written to `out`, which must have room for `length`; their
  // number.
  size_t merge(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out);

 private:
  // Three algorithms with equal results: scanning for the lowest rank, for short pieces; a queue of positions per rank,
  // linear in the piece, where merges stand in order; a heap of (rank, position) where they do not.
  size_t merge_short(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out);
  size_t merge_queued(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out);
  size_t merge_heaped(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out);

  void link(const Model& model, const uint8_t* bytes, size_t length, uint32_t* out);
  template <typename Found>
  void join(const Model& model, uint32_t product, uint32_t position, uint32_t* out, Found found);
  size_t collect(size_t length, uint32_t* out);
  void enqueue(uint32_t rank, uint32_t position);

  // Symbols as a linked list over positions; `rank_` is the rank of the pair that starts at a position.
  std::vector<uint32_t> previous_, next_, rank_;
  // Queue of positions per rank, as linked nodes.
  struct Queue {
    uint32_t head;
    uint32_t tail;
  };
  struct Node {
    uint32_t position;
    uint32_t next;
  };
  std::vector<Queue> queues_;
  std::vector<uint8_t> is_unordered_;
  std::vector<Node> nodes_;
  uint32_t free_node_ = 0;
  std::vector<uint32_t> ranks_heap_;
};

}  // namespace corpusmill::bpe
