#include "program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

namespace corpusmill::tensor {

std::vector<const Operation*> listed_operations() {
  std::vector<const Operation*> list;
  for (const Operations family : operation_families()) {
    for (const Operation& operation : family) list.push_back(&operation);
  }
  return list;
}

namespace {

// Offsets and lengths beyond this are no memory of anyone.
constexpr double kMost = 1099511627776.0;

bool is_integer(double value, double least, double most) {
  return value >= least && value <= most && std::floor(value) == value;
}

// A name without its marks, and the marks.
struct Name {
  std::string plain;
  bool optional;
  DType dtype;
};

Name parse_name(const char* text) {
  const std::string name = text;
  const size_t end = name.find_first_of("?:");
  return {name.substr(0, end), name.find('?') != std::string::npos,
          name.find(":i32") != std::string::npos ? DType::I32 : DType::F32};
}

// The place of input i in the operation's names, those that repeat included.
size_t name_index(const Operation& operation, size_t i) {
  const size_t names = operation.inputs.size(), fixed = names - operation.variadic;
  return i < fixed || operation.variadic == 0 ? i : fixed + (i - fixed) % operation.variadic;
}

std::string input_label(const Operation& operation, size_t i) {
  std::string label = parse_name(operation.inputs.begin()[name_index(operation, i)]).plain;
  if (operation.variadic > 0 && i >= operation.inputs.size() - operation.variadic) {
    const size_t fixed = operation.inputs.size() - operation.variadic;
    label += " " + std::to_string((i - fixed) / operation.variadic);
  }
  return label;
}

bool is_mutated(const Operation& operation, size_t i) {
  const size_t name = name_index(operation, i);
  return std::find(operation.mutates.begin(), operation.mutates.end(), name) != operation.mutates.end();
}

}  // namespace

std::string Program::decode(std::span<const double> code, std::vector<std::shared_ptr<Buffer>> buffers,
                            size_t arena_length, size_t threads) {
  buffers_ = std::move(buffers);
  arena_length_ = arena_length;
  const std::vector<const Operation*> known = listed_operations();
  for (size_t at = 0; at < code.size();) {
    const size_t number = steps_.size();
    if (!is_integer(code[at], 0, static_cast<double>(known.size()) - 1)) {
      return "instruction " + std::to_string(number) + ": there is no such operation";
    }
    steps_.push_back({known[static_cast<size_t>(code[at])], 0, 0, 0, 0, 0, 0});
    at++;
    std::string error = decode_step(code, &at);
    const Step& step = steps_.back();
    if (error.empty()) error = check_names(step);
    if (error.empty()) error = check_places(step);
    if (error.empty()) error = check_overlaps(step);
    if (error.empty()) error = step.operation->check(instruction(step));
    if (!error.empty()) {
      return "instruction " + std::to_string(number) + " (" + step.operation->name + "): " + error;
    }
    if (step.operation->scratch != nullptr) {
      scratch_bytes_ = std::max(scratch_bytes_, step.operation->scratch(instruction(step), threads));
    }
  }
  return {};
}

std::string Program::decode_step(std::span<const double> code, size_t* at) {
  Step& step = steps_.back();
  const char* const kCut = "the list of numbers ends within it";
  if (code.size() - *at < 3) return kCut;
  for (size_t i = 0; i < 3; i++) {
    if (!is_integer(code[*at + i], 0, static_cast<double>(code.size()))) return "a number of operands is no count";
  }
  step.input_count = static_cast<size_t>(code[*at]);
  step.output_count = static_cast<size_t>(code[*at + 1]);
  step.attribute_count = static_cast<size_t>(code[*at + 2]);
  *at += 3;
  const size_t operands = step.input_count + step.output_count;
  if ((code.size() - *at) / 4 < operands || code.size() - *at - 4 * operands < step.attribute_count) return kCut;
  step.inputs = operands_.size();
  step.outputs = step.inputs + step.input_count;
  step.attributes = attributes_.size();
  for (size_t i = 0; i < operands; i++, *at += 4) {
    const double slot = code[*at], offset = code[*at + 1], length = code[*at + 2], dtype = code[*at + 3];
    if (!is_integer(slot, -1, static_cast<double>(buffers_.size()))) return "an operand lies in no buffer of the program";
    const bool present = slot >= 0;
    if (present && (!is_integer(offset, 0, kMost) || !is_integer(length, 0, kMost) || !is_integer(dtype, 0, 1))) {
      return "an operand's offset, length or type is no such thing";
    }
    Place place{static_cast<int64_t>(slot), 0, 0, DType::F32};
    Operand operand;
    if (present) {
      place.offset = static_cast<size_t>(offset);
      place.length = static_cast<size_t>(length);
      place.dtype = dtype == 1 ? DType::I32 : DType::F32;
      // Until the first run any pointer will do: checks look at lengths only.
      operand = {&operands_, place.length, place.dtype};
    }
    places_.push_back(place);
    operands_.push_back(operand);
  }
  for (size_t i = 0; i < step.attribute_count; i++, ++*at) attributes_.push_back(code[*at]);
  return {};
}

Instruction Program::instruction(const Step& step) const {
  return {{operands_.data() + step.inputs, step.input_count},
          {operands_.data() + step.outputs, step.output_count},
          {attributes_.data() + step.attributes, step.attribute_count}};
}

std::string Program::check_names(const Step& step) const {
  const Operation& operation = *step.operation;
  const size_t names = operation.inputs.size(), repeats = operation.variadic;
  const bool fits = repeats == 0 ? step.input_count == names
                                 : step.input_count + repeats >= names && (step.input_count + repeats - names) % repeats == 0;
  if (!fits) return "has " + std::to_string(step.input_count) + " inputs, want " + std::to_string(names);
  if (step.output_count != operation.outputs.size()) {
    return "has " + std::to_string(step.output_count) + " outputs, want " + std::to_string(operation.outputs.size());
  }
  if (repeats == 0 ? step.attribute_count != operation.attributes.size()
                   : step.attribute_count < operation.attributes.size()) {
    return "has " + std::to_string(step.attribute_count) + " attributes, want " +
           std::to_string(operation.attributes.size());
  }
  // A copy takes words of either type: src/tensor/plan.ts makes copies of integers too.
  const bool either_type = std::strcmp(operation.name, "copy") == 0;
  const auto wrong = [either_type](const Operand& operand, const Name& name) -> std::string {
    if (!operand.present()) return name.optional ? "" : name.plain + " is absent";
    if (operand.dtype == name.dtype || either_type) return "";
    return name.plain + " is of the wrong type, want " + (name.dtype == DType::I32 ? "i32" : "f32");
  };
  const Instruction given = instruction(step);
  std::string error;
  for (size_t i = 0; i < step.input_count && error.empty(); i++) {
    error = wrong(given.inputs[i], parse_name(operation.inputs.begin()[name_index(operation, i)]));
  }
  for (size_t i = 0; i < step.output_count && error.empty(); i++) {
    error = wrong(given.outputs[i], parse_name(operation.outputs.begin()[i]));
  }
  return error;
}

std::string Program::check_places(const Step& step) const {
  for (size_t i = 0; i < step.input_count + step.output_count; i++) {
    const Place& place = places_[step.inputs + i];
    if (place.slot < 0) continue;
    const std::string label = i < step.input_count
                                  ? input_label(*step.operation, i)
                                  : parse_name(step.operation->outputs.begin()[i - step.input_count]).plain;
    const Buffer* const buffer = place.slot == 0 ? nullptr : buffers_[static_cast<size_t>(place.slot) - 1].get();
    const size_t length = buffer == nullptr ? arena_length_ : buffer->length;
    if (place.offset > length || place.length > length - place.offset) {
      return label + " lies at " + std::to_string(place.offset) + " to " + std::to_string(place.offset + place.length) +
             (buffer == nullptr ? " of the arena, which has " : " of buffer " + std::to_string(place.slot - 1) + ", which has ") +
             std::to_string(length) + " entries";
    }
    if (buffer != nullptr && buffer->dtype != place.dtype) return label + " is of another type than its buffer";
  }
  return {};
}

std::string Program::check_overlaps(const Step& step) const {
  const Operation& operation = *step.operation;
  const Place* const inputs = places_.data() + step.inputs;
  const Place* const outputs = places_.data() + step.outputs;
  const auto meet = [](const Place& a, const Place& b) {
    return a.slot >= 0 && a.slot == b.slot && a.length > 0 && b.length > 0 && a.offset < b.offset + b.length &&
           b.offset < a.offset + a.length;
  };
  const auto name_of_output = [&](size_t o) { return parse_name(operation.outputs.begin()[o]).plain; };
  for (size_t o = 0; o < step.output_count; o++) {
    for (size_t p = 0; p < o; p++) {
      if (meet(outputs[o], outputs[p])) return name_of_output(o) + " overlaps " + name_of_output(p);
    }
    for (size_t i = 0; i < step.input_count; i++) {
      if (!meet(outputs[o], inputs[i])) continue;
      const bool allowed = std::any_of(operation.in_place.begin(), operation.in_place.end(), [&](const Pair& pair) {
        return pair.output == o && pair.input == i;
      });
      if (allowed && outputs[o].offset == inputs[i].offset && outputs[o].length == inputs[i].length) continue;
      return name_of_output(o) + " overlaps " + input_label(operation, i);
    }
  }
  for (size_t m = 0; operation.mutates.size() > 0 && m < step.input_count; m++) {
    if (!is_mutated(operation, m)) continue;
    for (size_t i = 0; i < step.input_count; i++) {
      if (i == m || !meet(inputs[m], inputs[i])) continue;
      return input_label(operation, m) + " overlaps " + input_label(operation, i);
    }
  }
  return {};
}

void Program::resolve(std::byte* arena) {
  if (resolved_for_ == arena) return;
  for (size_t i = 0; i < places_.size(); i++) {
    const Place& place = places_[i];
    if (place.slot < 0) continue;
    std::byte* const base = place.slot == 0 ? arena : buffers_[static_cast<size_t>(place.slot) - 1]->memory.data();
    operands_[i].data = base + place.offset * 4;
  }
  resolved_for_ = arena;
}

RunResult Program::run(ThreadTeam& team, std::byte* arena, std::byte* scratch, const std::atomic<bool>& stop,
                       bool profile) {
  resolve(arena);
  RunContext context(team, scratch);
  RunResult result;
  if (profile) result.nanoseconds.reserve(steps_.size());
  auto before = std::chrono::steady_clock::now();
  for (const Step& step : steps_) {
    if (stop.load(std::memory_order_relaxed)) {
      result.error = "the backend was shut down during the run";
      return result;
    }
    step.operation->run(context, instruction(step));
    if (profile) {
      const auto now = std::chrono::steady_clock::now();
      result.nanoseconds.push_back(
          static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - before).count()));
      before = now;
    }
    if (!context.faulted()) continue;
    const Fault& fault = context.first_fault();
    result.error = "instruction " + std::to_string(&step - steps_.data()) + " (" + step.operation->name + "): entry " +
                   std::to_string(fault.entry) + " of " + input_label(*step.operation, fault.input) + " is " +
                   std::to_string(fault.value) + ", " + fault.what;
    if (fault.bound >= 0) result.error += " " + std::to_string(fault.bound);
    return result;
  }
  return result;
}

}  // namespace corpusmill::tensor
