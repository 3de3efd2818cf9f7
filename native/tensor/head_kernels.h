// Passes over rows of logits for one instruction set: see head_kernels.inl.
#pragma once

#include <cstddef>

namespace corpusmill::tensor {

// What is known of a piece of a row of logits: enough to join pieces, and to finish with logarithms.
struct LogitSums {
  float largest;
  // Over the piece: exp(l - largest), and with it (l - largest), and the logits themselves.
  float exponentials, weighted, logits;
};

struct HeadKernels {
  // `count` > 0. `weighted` is left out (0) unless asked for.
  LogitSums (*sums)(const float* logits, size_t count, bool with_weighted);
  // logits[i] = factor · exp(logits[i] - largest) + shift.
  void (*gradient)(float* logits, size_t count, float largest, float factor, float shift);
};

}  // namespace corpusmill::tensor
