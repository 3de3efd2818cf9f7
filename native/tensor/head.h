// The output head and what is computed from its logits, x · wᵀ, which never exist for all rows at once.
//
// Rows with a label are taken in chunks; a chunk's logits are made tile by tile of the vocabulary, and each tile's maxima
// and sums are taken while it lies in the cache. With gradients the logits of the chunk are kept until the sums over the
// whole vocabulary are known, turned into their gradient in place, and multiplied into dw tile by tile, then into dx.
// So the head costs three products and about two exponentials a logit; rows whose label is negative (the prompts of
// fine-tuning) cost nothing. Chunks, tiles and every order of addition follow from the sizes alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../thread_team.h"

namespace corpusmill::tensor {

// x [rows, columns], w [vocab, columns]; logits are scale · x · wᵀ. Labels are below `vocab`; negative ones are not counted.
struct HeadShape {
  size_t rows, columns, vocab;
  float scale = 1;
};

// loss = Σ weights[r] · ((1 - smoothing) · nll[r] + smoothing · (mean over the vocabulary of -log p) + z_loss · lse²).
// dx and dw may be null; dw is added to when `add_to_dw`.
struct CrossEntropy {
  const float* weights;
  double z_loss, smoothing;
  float* loss;
  float* nll;
  float* dx;
  float* dw;
  bool add_to_dw;
};

// Log-probability of the label, log-sum-exp of the logits and entropy, 0 where the label is negative.
struct LogProbs {
  float* log_prob;
  float* lse;
  float* entropy;
};

// Gradients of Σ dlog_prob[r] · log_prob[r], from the lse that was found before.
struct LogProbsGradient {
  const float* dlog_prob;
  const float* lse;
  float* dx;
  float* dw;
  bool add_to_dw;
};

// Bytes of scratch memory of a call with or without gradients.
size_t head_scratch(const HeadShape& shape, bool with_gradients, size_t threads);

void cross_entropy(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
                   const CrossEntropy& task, std::byte* scratch);
void log_probs(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
               const LogProbs& task, std::byte* scratch);
void log_probs_gradient(ThreadTeam& team, const HeadShape& shape, const float* x, const float* w, const int32_t* labels,
                        const LogProbsGradient& task, std::byte* scratch);

}  // namespace corpusmill::tensor
