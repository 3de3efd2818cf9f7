#include "isa.h"

#include <cstdlib>
#include <cstring>

#include "../inline.h"

namespace corpusmill::tensor {

namespace scalar { extern const KernelTable kTable; }
#if defined(CORPUSMILL_X86)
namespace avx2 { extern const KernelTable kTable; }
namespace avx512 { extern const KernelTable kTable; }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
namespace neon { extern const KernelTable kTable; }
#endif

size_t runnable_levels(const KernelTable** levels) {
  size_t count = 0;
  levels[count++] = &scalar::kTable;
#if defined(CORPUSMILL_X86)
  // The compiler's run-time library asks the processor and also the system, which must save the wide registers.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels[count++] = &avx2::kTable;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")) {
    levels[count++] = &avx512::kTable;
  }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
  levels[count++] = &neon::kTable;
#endif
  return count;
}

static const KernelTable& choose() {
  const KernelTable* levels[4];
  const size_t count = runnable_levels(levels);
  const char* const wanted = std::getenv("CORPUSMILL_ISA");
  for (size_t i = 0; wanted != nullptr && i < count; i++) {
    if (std::strcmp(levels[i]->name, wanted) == 0) return *levels[i];
  }
  return *levels[count - 1];
}

const KernelTable& kernels() {
  static const KernelTable& chosen = choose();
  return chosen;
}

}  // namespace corpusmill::tensor
