// A program: instructions over buffers and an arena, checked once and run as often as there are steps.
//
// What arrives is a list of numbers written by src/tensor/native/backend.ts; nothing in it is trusted. Once `decode` has
// accepted it, a run does nothing but call kernels one after the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "memory.h"
#include "operation.h"

namespace corpusmill::tensor {

struct Buffer {
  Memory memory;
  size_t length = 0;
  DType dtype = DType::F32;
  // Set by the thread that JavaScript runs on, which alone reads it.
  bool disposed = false;
};

// How a run ended: `error` says which instruction met which wrong value; empty when all went well.
struct RunResult {
  std::string error;
  // Of each instruction, when they were asked for.
  std::vector<uint64_t> nanoseconds;
};

class Program {
 public:
  // `code` is, for each instruction: the operation's place in `names`, the numbers of inputs, outputs and attributes, for
  // each operand (slot, offset, length, dtype) with slot -1 for an absent one, then the attributes. Slot 0 is the arena, slot
  // s > 0 buffers[s - 1]. Returns what is wrong, or nothing.
  std::string decode(std::span<const double> code, std::vector<std::shared_ptr<Buffer>> buffers, size_t arena_length,
                     size_t threads);

  size_t arena_bytes() const { return arena_length_ * 4; }
  size_t scratch_bytes() const { return scratch_bytes_; }
  const std::vector<std::shared_ptr<Buffer>>& buffers() const { return buffers_; }

  // Stops between two instructions when `stop` becomes true. The arena and the scratch memory are large enough.
  RunResult run(ThreadTeam& team, std::byte* arena, std::byte* scratch, const std::atomic<bool>& stop, bool profile);

 private:
  struct Place {
    int64_t slot;
    size_t offset, length;
    DType dtype;
  };
  struct Step {
    const Operation* operation;
    // Places of its operands and attributes in the lists of the program.
    size_t inputs, input_count, outputs, output_count, attributes, attribute_count;
  };

  Instruction instruction(const Step& step) const;
  std::string decode_step(std::span<const double> code, size_t* at);
  std::string check_names(const Step& step) const;
  std::string check_places(const Step& step) const;
  std::string check_overlaps(const Step& step) const;
  void resolve(std::byte* arena);

  std::vector<std::shared_ptr<Buffer>> buffers_;
  std::vector<Step> steps_;
  std::vector<Place> places_;
  std::vector<Operand> operands_;
  std::vector<double> attributes_;
  size_t arena_length_ = 0;
  size_t scratch_bytes_ = 0;
  std::byte* resolved_for_ = nullptr;
};

// The operations in the order in which `code` counts them.
std::vector<const Operation*> listed_operations();

}  // namespace corpusmill::tensor
