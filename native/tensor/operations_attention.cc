// Attention as operations: sizes and segment ids checked, the work done by attention.cc.
#include <algorithm>

#include "attention.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

constexpr size_t kMostKeys = (1 << 24) - 1;
// More than any published model's by far; keeps scratch memory within reason.
constexpr size_t kMostHeadSize = 4096;

struct Sizes {
  size_t batch, queries, keys, heads, key_heads, head_size;
  size_t query_rows() const { return batch * queries; }
  size_t key_rows() const { return batch * keys; }
};

// The first six attributes of every operation of this family.
Sizes check_sizes(Check& check) {
  const Sizes sizes{check.size(0, "batch", 1), check.size(1, "timeQ"),      check.size(2, "timeK"),
                    check.size(3, "heads", 1), check.size(4, "kvHeads", 1), check.size(5, "headDim", 1)};
  check.require(sizes.batch <= kMostKeys && sizes.queries <= kMostKeys && sizes.keys <= kMostKeys,
                "batch, timeQ and timeK must be below 2^24");
  check.require(sizes.heads <= kMostKeys && sizes.heads % sizes.key_heads == 0, "heads must be a multiple of kvHeads");
  check.require(sizes.head_size <= kMostHeadSize, "headDim must be at most 4096");
  return sizes;
}

AttentionShape shape_of(const Instruction& instruction) {
  return {instruction.size(0), instruction.size(1), instruction.size(2), instruction.size(3),
          instruction.size(4), instruction.size(5), instruction.number(6)};
}

// The masks that are inputs `first` and on: segmentIds, prefix, keyRange.
void check_masks(Check& check, const Instruction& instruction, const Sizes& sizes, size_t first) {
  check.flag(7, "causal");
  check.size(8, "window");
  check.input(first, "segmentIds", {sizes.batch, sizes.keys});
  check.input(first + 1, "prefix", {sizes.batch});
  check.input(first + 2, "keyRange", {sizes.batch, 2});
  check.require(!instruction.inputs[first].present() || sizes.queries == sizes.keys,
                "segmentIds need as many queries as keys");
}

// The masks of an instruction; a fault and false where segment ids are not in order.
bool read_mask(RunContext& context, const Instruction& instruction, size_t first, AttentionMask* mask) {
  mask->causal = instruction.flag(7);
  mask->window = std::min(instruction.size(8), kMostKeys);
  mask->segment_ids = instruction.ids(first);
  mask->prefix = instruction.ids(first + 1);
  mask->key_range = instruction.ids(first + 2);
  if (mask->segment_ids == nullptr) return true;
  const size_t batch = instruction.size(0), keys = instruction.size(2);
  for (size_t i = 0; i < batch * keys; i++) {
    if (i % keys == 0 || mask->segment_ids[i] >= mask->segment_ids[i - 1]) continue;
    context.fault({first, i, mask->segment_ids[i], "segment ids must not decrease within a row; before it stands",
                   mask->segment_ids[i - 1]});
    return false;
  }
  return true;
}

std::string check_attention(const Instruction& instruction) {
  Check check(instruction);
  const Sizes s = check_sizes(check);
  if (!check.ok()) return check.error();
  check.input(0, "q", {s.query_rows(), s.heads, s.head_size});
  check.input(1, "k", {s.key_rows(), s.key_heads, s.head_size});
  check.input(2, "v", {s.key_rows(), s.key_heads, s.head_size});
  check_masks(check, instruction, s, 3);
  check.output(0, "out", {s.query_rows(), s.heads, s.head_size});
  check.output(1, "lse", {s.query_rows(), s.heads});
  return check.error();
}

size_t forward_scratch(const Instruction& instruction, size_t threads) {
  return attention_forward_scratch(shape_of(instruction), threads) * sizeof(float);
}

void run_attention(RunContext& context, const Instruction& instruction) {
  AttentionMask mask;
  if (!read_mask(context, instruction, 3, &mask)) return;
  attention_forward(context.team(), shape_of(instruction), mask, instruction.input(0), instruction.input(1),
                    instruction.input(2), instruction.output(0), instruction.output(1), context.scratch_at<float>(0));
}

std::string check_attention_grad(const Instruction& instruction) {
  Check check(instruction);
  const Sizes s = check_sizes(check);
  if (!check.ok()) return check.error();
  check.input(0, "dout", {s.query_rows(), s.heads, s.head_size});
  check.input(1, "q", {s.query_rows(), s.heads, s.head_size});
  check.input(2, "k", {s.key_rows(), s.key_heads, s.head_size});
  check.input(3, "v", {s.key_rows(), s.key_heads, s.head_size});
  check.input(4, "out", {s.query_rows(), s.heads, s.head_size});
  check.input(5, "lse", {s.query_rows(), s.heads});
  check_masks(check, instruction, s, 6);
  check.output(0, "dq", {s.query_rows(), s.heads, s.head_size});
  check.output(1, "dk", {s.key_rows(), s.key_heads, s.head_size});
  check.output(2, "dv", {s.key_rows(), s.key_heads, s.head_size});
  return check.error();
}

size_t backward_scratch(const Instruction& instruction, size_t threads) {
  return attention_backward_scratch(shape_of(instruction), threads) * sizeof(float);
}

void run_attention_grad(RunContext& context, const Instruction& instruction) {
  AttentionMask mask;
  if (!read_mask(context, instruction, 6, &mask)) return;
  attention_backward(context.team(), shape_of(instruction), mask, instruction.input(0), instruction.input(1),
                     instruction.input(2), instruction.input(3), instruction.input(4), instruction.input(5),
                     instruction.output(0), instruction.output(1), instruction.output(2), context.scratch_at<float>(0));
}

std::string check_dual_chunk(const Instruction& instruction) {
  Check check(instruction);
  const Sizes s = check_sizes(check);
  check.require(check.size(7, "chunkLength", 1) <= kMostKeys, "chunkLength must be below 2^24");
  if (!check.ok()) return check.error();
  check.input(0, "qIntra", {s.query_rows(), s.heads, s.head_size});
  check.input(1, "qSuccessive", {s.query_rows(), s.heads, s.head_size});
  check.input(2, "qInter", {s.query_rows(), s.heads, s.head_size});
  check.input(3, "k", {s.key_rows(), s.key_heads, s.head_size});
  check.input(4, "v", {s.key_rows(), s.key_heads, s.head_size});
  check.input(5, "keyRange", {s.batch, 2});
  check.output(0, "out", {s.query_rows(), s.heads, s.head_size});
  check.output(1, "lse", {s.query_rows(), s.heads});
  return check.error();
}

void run_dual_chunk(RunContext& context, const Instruction& instruction) {
  AttentionMask mask;
  mask.key_range = instruction.ids(5);
  const AttentionChunks chunks{instruction.input(1), instruction.input(2), instruction.size(7)};
  attention_forward(context.team(), shape_of(instruction), mask, instruction.input(0), instruction.input(3),
                    instruction.input(4), instruction.output(0), instruction.output(1), context.scratch_at<float>(0),
                    &chunks);
}

const Operation kOperations[] = {
    {"attention",
     {"q", "k", "v", "segmentIds?:i32", "prefix?:i32", "keyRange?:i32"},
     {"out", "lse"},
     {"batch", "timeQ", "timeK", "heads", "kvHeads", "headDim", "scale", "causal", "window"},
     {}, {}, 0, check_attention, forward_scratch, run_attention},
    {"attentionGrad",
     {"dout", "q", "k", "v", "out", "lse", "segmentIds?:i32", "prefix?:i32", "keyRange?:i32"},
     {"dq", "dk", "dv"},
     {"batch", "timeQ", "timeK", "heads", "kvHeads", "headDim", "scale", "causal", "window"},
     {}, {}, 0, check_attention_grad, backward_scratch, run_attention_grad},
    {"dualChunkAttention",
     {"qIntra", "qSuccessive", "qInter", "k", "v", "keyRange?:i32"},
     {"out", "lse"},
     {"batch", "timeQ", "timeK", "heads", "kvHeads", "headDim", "scale", "chunkLength"},
     {}, {}, 0, check_dual_chunk, forward_scratch, run_dual_chunk},
};

}  // namespace

Operations attention_operations() { return kOperations; }

}  // namespace corpusmill::tensor
