// The families of operations, and what their checks share. A new family is a declaration and a line in kFamilies.
#include <cmath>
#include <cstring>

#include "operation.h"

namespace corpusmill::tensor {

Operations attention_operations();
Operations elementwise_operations();
Operations embedding_operations();
Operations head_operations();
Operations matrix_operations();
Operations moe_operations();
Operations norm_operations();
Operations optimizer_operations();
Operations reduce_operations();

std::span<const Operations> operation_families() {
  static const Operations kFamilies[] = {
      attention_operations(), elementwise_operations(), embedding_operations(), head_operations(), matrix_operations(),
      moe_operations(),       norm_operations(),        optimizer_operations(), reduce_operations(),
  };
  return kFamilies;
}

const Operation* find_operation(const char* name) {
  for (const Operations family : operation_families()) {
    for (const Operation& operation : family) {
      if (std::strcmp(operation.name, name) == 0) return &operation;
    }
  }
  return nullptr;
}

size_t saturating_product(size_t a, size_t b) {
  size_t product = 0;
#if defined(__GNUC__) || defined(__clang__)
  return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
#else
  product = a * b;
  return a != 0 && product / a != b ? SIZE_MAX : product;
#endif
}

namespace {
constexpr size_t kMostOfNothing = size_t{1} << 31;
}

size_t Check::size(size_t i, const char* name, size_t least) {
  const double value = instruction_.attributes[i];
  if (!(value >= 0 && value <= 1099511627776.0) || std::floor(value) != value) {
    fail(std::string(name) + " is " + std::to_string(value) + ", want a count");
    return least;
  }
  if (value < static_cast<double>(least)) {
    fail(std::string(name) + " is " + std::to_string(static_cast<size_t>(value)) + ", want at least " +
         std::to_string(least));
    return least;
  }
  return static_cast<size_t>(value);
}

size_t Check::kind(size_t i, const char* name, size_t count) {
  const double value = instruction_.attributes[i];
  if (!(value >= 0 && value < static_cast<double>(count)) || std::floor(value) != value) {
    fail(std::string(name) + " is " + std::to_string(value) + ", want an integer below " + std::to_string(count));
    return 0;
  }
  return static_cast<size_t>(value);
}

void Check::length(const Operand& operand, const char* name, std::initializer_list<size_t> shape) {
  if (!operand.present() || !ok()) return;
  size_t wanted = 1, largest = 0;
  for (const size_t size : shape) {
    wanted = saturating_product(wanted, size);
    largest = size > largest ? size : largest;
  }
  // Nothing at all, but a loop over 2^40 rows of it would not end.
  const bool is_endless = wanted == 0 && largest > kMostOfNothing;
  if (operand.length == wanted && !is_endless) return;
  std::string sizes;
  for (const size_t size : shape) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  fail(std::string(name) + " has " + std::to_string(operand.length) + " entries, the attributes say [" + sizes + "]");
}

}  // namespace corpusmill::tensor
