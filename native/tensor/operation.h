// What an operation is to the native backend: how an instruction reaches its kernel, and what a kernel may rely on.
//
// A family of kernels is one file operations_FAMILY.cc with a constant table of Operation entries and a function
// `Operations FAMILY_operations()` that returns it, listed in operation_table.cc. Names of inputs, outputs and attributes
// are those of src/tensor/operations.ts, marks (`?`, `:i32`) included: src/tensor/native/backend.ts compares the two tables
// when it loads, so that one that drifted apart is an error and no wrong result.
//
// Before `check` is asked, program.cc has made sure of all that follows from the names: how many operands and attributes
// there are, which are present, their types, that each lies within its buffer, and that memory is shared only where
// `in_place` allows it, and then exactly (same start, same length). Attributes may be any number, NaN too. `check` answers for the rest:
// every size that attributes say must be the length of its operand, and kinds must be in range (class Check below).
// After that `run` may trust everything but the values in memory: ids, labels, offsets, positions are checked by the
// kernel, which reports a fault instead of following a wrong one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <span>
#include <string>

#include "../thread_team.h"

namespace corpusmill::tensor {

enum class DType : uint8_t { F32, I32 };

// An input or output: 4-byte words, 64-byte aligned or not (a view into a buffer starts anywhere). Absent: data is null;
// a present operand without entries has a pointer that is not null.
struct Operand {
  void* data = nullptr;
  size_t length = 0;
  DType dtype = DType::F32;

  bool present() const { return data != nullptr; }
};

struct Instruction {
  std::span<const Operand> inputs;
  std::span<const Operand> outputs;
  std::span<const double> attributes;

  const float* input(size_t i) const { return static_cast<const float*>(inputs[i].data); }
  const int32_t* ids(size_t i) const { return static_cast<const int32_t*>(inputs[i].data); }
  float* output(size_t i) const { return static_cast<float*>(outputs[i].data); }
  int32_t* id_output(size_t i) const { return static_cast<int32_t*>(outputs[i].data); }
  // An input that the operation mutates.
  float* mutated(size_t i) const { return static_cast<float*>(inputs[i].data); }

  // Attribute i as what `check` has made sure it is.
  size_t size(size_t i) const { return static_cast<size_t>(attributes[i]); }
  bool flag(size_t i) const { return attributes[i] != 0; }
  float number(size_t i) const { return static_cast<float>(attributes[i]); }
};

// A wrong value that a kernel met: entry `entry` of input `input` is `value`; `what` says what was wanted, such as
// "is outside the table". `bound` completes it where there is one (-1: none): "(32000 rows)".
struct Fault {
  size_t input;
  size_t entry;
  int64_t value;
  const char* what;
  int64_t bound;
};

// What a running kernel has at hand. Partitions of work must not change results: share out independent rows or tiles, and
// reduce over pieces whose number and order follow from the sizes alone, never from the number of threads.
class RunContext {
 public:
  RunContext(ThreadTeam& team, std::byte* scratch) : scratch_(scratch), team_(team) {}

  ThreadTeam& team() const { return team_; }
  size_t threads() const { return team_.size(); }

  // Calls task(t) on every thread, t < threads(), and returns when all have.
  template <typename Task>
  void on_all(Task&& task) {
    team_.run(task);
  }

  // Calls task(from, to, t) over pieces of 0 to count, about as many as threads, each of at least `least` items: give the
  // number of items worth about 5 µs of work, so that small jobs stay on this thread.
  template <typename Task>
  void split(size_t count, size_t least, Task&& task) {
    if (count == 0) return;
    size_t pieces = least == 0 ? count : count / least;
    if (pieces > team_.size()) pieces = team_.size();
    if (pieces <= 1) {
      task(size_t{0}, count, size_t{0});
      return;
    }
    team_.run([&](size_t t) {
      if (t >= pieces) return;
      task(share(count, pieces, t), share(count, pieces, t + 1), t);
    });
  }

  // Calls task(item, t) for every item below `count`, each thread taking the next one when it is free: for few items of
  // unequal cost (attention tiles, groups).
  template <typename Task>
  void each(size_t count, Task&& task) {
    if (count <= 1 || team_.size() == 1) {
      for (size_t item = 0; item < count; item++) task(item, size_t{0});
      return;
    }
    std::atomic<size_t> next{0};
    team_.run([&](size_t t) {
      for (size_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(item, t);
    });
  }

  // As many bytes as the operation's `scratch` asked for, 64-byte aligned, with whatever an earlier instruction left.
  std::byte* scratch() const { return scratch_; }
  template <typename T>
  T* scratch_at(size_t byte) const {
    return reinterpret_cast<T*>(scratch_ + byte);
  }

  // Reports a wrong value; of several the one with the lowest (input, entry) is kept, whichever thread comes first. The
  // kernel goes on without it (outputs have no meaning then) and the run ends after this instruction.
  void fault(const Fault& fault) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!faulted_ || fault.input < fault_.input || (fault.input == fault_.input && fault.entry < fault_.entry)) {
      fault_ = fault;
    }
    faulted_ = true;
  }
  // Reports what of ids[from, to) is not in [least, limit); true when all are.
  bool check_ids(size_t input, const int32_t* ids, size_t from, size_t to, int64_t least, int64_t limit, const char* what) {
    bool fine = true;
    for (size_t i = from; i < to; i++) fine &= ids[i] >= least && ids[i] < limit;
    for (size_t i = from; !fine && i < to; i++) {
      if (ids[i] >= least && ids[i] < limit) continue;
      fault({input, i, ids[i], what, limit});
      break;
    }
    return fine;
  }
  bool faulted() const { return faulted_; }
  const Fault& first_fault() const { return fault_; }

 private:
  static size_t share(size_t count, size_t pieces, size_t t) { return count / pieces * t + count % pieces * t / pieces; }

  std::byte* scratch_;
  ThreadTeam& team_;
  std::mutex mutex_;
  Fault fault_{};
  std::atomic<bool> faulted_{false};
};

struct Pair {
  uint8_t output, input;
};

struct Operation {
  const char* name;
  // As in operations.ts: "bias?" is optional, "ids:i32" has 32-bit integers.
  std::initializer_list<const char*> inputs;
  std::initializer_list<const char*> outputs;
  std::initializer_list<const char*> attributes;
  // Outputs that may lie exactly where an input lies.
  std::initializer_list<Pair> in_place;
  // Inputs that are written to.
  std::initializer_list<uint8_t> mutates;
  // How many of the last input names repeat.
  size_t variadic;
  // What is wrong with an instruction, in words; empty when nothing is.
  std::string (*check)(const Instruction& instruction);
  // Bytes of scratch memory that `run` needs; null: none.
  size_t (*scratch)(const Instruction& instruction, size_t threads);
  void (*run)(RunContext& context, const Instruction& instruction);
};

using Operations = std::span<const Operation>;

// Every operation of every family.
std::span<const Operations> operation_families();
const Operation* find_operation(const char* name);

// Reads attributes and compares lengths for an operation's `check`; the first thing that is wrong is kept.
//
//   std::string check_embedding(const Instruction& instruction) {
//     Check check(instruction);
//     const size_t rows = check.size(0, "rows"), columns = check.size(1, "columns"), table = check.size(2, "tableRows");
//     check.input(0, "table", {table, columns});
//     check.input(1, "ids", {rows});
//     check.output(0, "out", {rows, columns});
//     return check.error();
//   }
class Check {
 public:
  explicit Check(const Instruction& instruction) : instruction_(instruction) {}

  // Attribute i as a count: an integer from `least` to 2^40, so that products of two do not overflow.
  size_t size(size_t i, const char* name, size_t least = 0);
  // Attribute i as a place in a list of `count` kinds.
  size_t kind(size_t i, const char* name, size_t count);
  // Attribute i as 0 or 1.
  bool flag(size_t i, const char* name) { return kind(i, name, 2) != 0; }
  // The length of an operand must be the product of `shape`; an absent optional operand is fine.
  void input(size_t i, const char* name, std::initializer_list<size_t> shape) {
    length(instruction_.inputs[i], name, shape);
  }
  void output(size_t i, const char* name, std::initializer_list<size_t> shape) {
    length(instruction_.outputs[i], name, shape);
  }
  void require(bool condition, const char* otherwise) {
    if (!condition) fail(otherwise);
  }
  // True while nothing was wrong.
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  void length(const Operand& operand, const char* name, std::initializer_list<size_t> shape);
  void fail(std::string text) {
    if (error_.empty()) error_ = std::move(text);
  }

  const Instruction& instruction_;
  std::string error_;
};

// a · b, or the largest size_t when that is more than one holds.
size_t saturating_product(size_t a, size_t b);
// Bytes rounded up to a multiple of 64, for pieces of scratch memory.
inline size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace corpusmill::tensor
