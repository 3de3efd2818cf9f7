// fastText's training loop: the contract is src/quality/fasttext/gradient-descent.ts; gradient-descent-twin.ts does the same
// arithmetic in the same order and gives the same bits. So no product and sum may be fused: see binding.gyp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::fasttext {

// As model files number them.
enum class Loss : int32_t { kTree = 1, kNegativeSampling = 2, kSoftmax = 3, kOneVsAll = 4 };

constexpr size_t kSigmoidSteps = 512, kLogSteps = 512;

struct Descent {
  // Text i asks for entries[starts[i]] to entries[starts[i + 1]]; its label, -1 for none; its tokens.
  const uint32_t* entries;
  const double* starts;
  const int32_t* targets;
  const uint32_t* sizes;
  size_t texts;
  // Entry e below `units` stands for unit_rows[unit_starts[e]] to unit_rows[unit_starts[e + 1]], others for row
  // words + e - units. With no units an entry is a row.
  const double* unit_starts;
  const int32_t* unit_rows;
  size_t units, words;
  Loss loss;
  double lr;
  size_t epochs, lr_update_rate, neg;
  uint32_t seed;
  // Draws the order of the texts anew for every epoch.
  bool shuffle;
  // kTree: label i's way is path_nodes[path_starts[i]] to path_nodes[path_starts[i + 1]].
  const double* path_starts;
  const int32_t* path_nodes;
  const uint8_t* path_from_right;
  // kNegativeSampling: [labels]
  const double* thresholds;
  // [kSigmoidSteps + 1], [kLogSteps + 1]
  const float* sigmoid;
  const double* logarithm;
  size_t rows, labels, dim;
};

// Columns of a row while it is trained: whole blocks.
size_t width_of(size_t dim);
// Floats that a matrix needs so that its rows can be moved apart to that width.
size_t room_for_rows(size_t rows, size_t dim);

// Trains input [room_for_rows(rows, dim)], whose first `filled` rows of `dim` values are given and the others zeros, and output
// [labels, dim], where they are: input is then [rows, dim], with anything behind it. Writes the mean loss of each epoch. False:
// no memory, and nothing has changed.
bool descend(const Descent& descent, float* input, size_t filled, float* output, double* losses);

}  // namespace corpusmill::fasttext
