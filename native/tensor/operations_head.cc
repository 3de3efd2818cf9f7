// The output head as operations: sizes and labels checked, the work done by head.cc.
#include <cstring>

#include "head.h"
#include "operation.h"

namespace corpusmill::tensor {
namespace {

HeadShape shape_of(const Instruction& instruction) {
  return {instruction.size(0), instruction.size(1), instruction.size(2), 1};
}

// rows, columns and vocab, the first attributes of every operation of this family; x, w and labels are inputs `first` and on.
HeadShape check_shape(Check& check, size_t first) {
  const HeadShape shape{check.size(0, "rows"), check.size(1, "columns"), check.size(2, "vocab", 1), 1};
  check.require(shape.rows <= UINT32_MAX && shape.vocab <= INT32_MAX, "rows and vocab must be below 2^31");
  check.input(first, "x", {shape.rows, shape.columns});
  check.input(first + 1, "w", {shape.vocab, shape.columns});
  check.input(first + 2, "labels", {shape.rows});
  return shape;
}

bool are_labels(RunContext& context, const Instruction& instruction, size_t input) {
  return context.check_ids(input, instruction.ids(input), 0, instruction.size(0), INT32_MIN,
                           static_cast<int64_t>(instruction.size(2)), "which is outside the vocabulary, of");
}

// Puts what dw is added to there, where it is not there already; true when there is something.
bool lay_down(RunContext& context, const Instruction& instruction, size_t addend, size_t output) {
  const float* const from = instruction.input(addend);
  float* const to = instruction.output(output);
  if (from == nullptr || to == nullptr) return false;
  if (from != to) {
    context.split(instruction.outputs[output].length, 1 << 14, [&](size_t begin, size_t end, size_t) {
      std::memcpy(to + begin, from + begin, (end - begin) * sizeof(float));
    });
  }
  return true;
}

std::string check_cross_entropy(const Instruction& instruction) {
  Check check(instruction);
  const HeadShape shape = check_shape(check, 0);
  check.input(3, "tokenWeights", {shape.rows});
  check.input(4, "dwAddend", {shape.vocab, shape.columns});
  check.output(0, "loss", {1});
  check.output(1, "nll", {shape.rows});
  check.output(2, "dx", {shape.rows, shape.columns});
  check.output(3, "dw", {shape.vocab, shape.columns});
  return check.error();
}

size_t cross_entropy_scratch(const Instruction& instruction, size_t threads) {
  const bool with_gradients = instruction.outputs[2].present() || instruction.outputs[3].present();
  return head_scratch(shape_of(instruction), with_gradients, threads);
}

void run_cross_entropy(RunContext& context, const Instruction& instruction) {
  if (!are_labels(context, instruction, 2)) return;
  CrossEntropy task{};
  task.weights = instruction.input(3);
  task.z_loss = instruction.attributes[3];
  task.smoothing = instruction.attributes[4];
  task.loss = instruction.output(0);
  task.nll = instruction.output(1);
  task.dx = instruction.output(2);
  task.dw = instruction.output(3);
  task.add_to_dw = lay_down(context, instruction, 4, 3);
  cross_entropy(context.team(), shape_of(instruction), instruction.input(0), instruction.input(1), instruction.ids(2), task,
                context.scratch());
}

std::string check_log_prob(const Instruction& instruction) {
  Check check(instruction);
  const HeadShape shape = check_shape(check, 0);
  check.output(0, "logProb", {shape.rows});
  check.output(1, "lse", {shape.rows});
  check.output(2, "entropy", {shape.rows});
  return check.error();
}

size_t log_prob_scratch(const Instruction& instruction, size_t threads) {
  return head_scratch(shape_of(instruction), false, threads);
}

void run_log_prob(RunContext& context, const Instruction& instruction) {
  if (!are_labels(context, instruction, 2)) return;
  HeadShape shape = shape_of(instruction);
  shape.scale = instruction.number(3);
  log_probs(context.team(), shape, instruction.input(0), instruction.input(1), instruction.ids(2),
            {instruction.output(0), instruction.output(1), instruction.output(2)}, context.scratch());
}

std::string check_log_prob_grad(const Instruction& instruction) {
  Check check(instruction);
  const HeadShape shape = check_shape(check, 1);
  check.input(0, "dlogProb", {shape.rows});
  check.input(4, "lse", {shape.rows});
  check.input(5, "dwAddend", {shape.vocab, shape.columns});
  check.output(0, "dx", {shape.rows, shape.columns});
  check.output(1, "dw", {shape.vocab, shape.columns});
  return check.error();
}

size_t log_prob_grad_scratch(const Instruction& instruction, size_t threads) {
  return head_scratch(shape_of(instruction), true, threads);
}

void run_log_prob_grad(RunContext& context, const Instruction& instruction) {
  if (!are_labels(context, instruction, 3)) return;
  HeadShape shape = shape_of(instruction);
  shape.scale = instruction.number(3);
  const bool add_to_dw = lay_down(context, instruction, 5, 1);
  log_probs_gradient(context.team(), shape, instruction.input(1), instruction.input(2), instruction.ids(3),
                     {instruction.input(0), instruction.input(4), instruction.output(0), instruction.output(1), add_to_dw},
                     context.scratch());
}

const Operation kOperations[] = {
    {"linearCrossEntropy", {"x", "w", "labels:i32", "tokenWeights", "dwAddend?"}, {"loss", "nll", "dx?", "dw?"},
     {"rows", "columns", "vocab", "zLoss", "labelSmoothing"},
     {{3, 4}}, {}, 0, check_cross_entropy, cross_entropy_scratch, run_cross_entropy},
    {"linearLogProb", {"x", "w", "labels:i32"}, {"logProb", "lse", "entropy"},
     {"rows", "columns", "vocab", "inverseTemperature"},
     {}, {}, 0, check_log_prob, log_prob_scratch, run_log_prob},
    {"linearLogProbGrad", {"dlogProb", "x", "w", "labels:i32", "lse", "dwAddend?"}, {"dx", "dw"},
     {"rows", "columns", "vocab", "inverseTemperature"},
     {{1, 5}}, {}, 0, check_log_prob_grad, log_prob_grad_scratch, run_log_prob_grad},
};

}  // namespace

Operations head_operations() { return kOperations; }

}  // namespace corpusmill::tensor
