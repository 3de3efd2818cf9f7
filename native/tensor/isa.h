// Instruction-set levels of the tensor kernels, and the table of kernels of the level that this processor runs.
//
// One binary runs on every x86-64 and arm64: each kernel is written once and compiled for every level. How a kernel joins
// (NAME stands for gemm, attention, …):
//
//   NAME_kernels.h    declares `struct NameKernels { … function pointers … }`: plain C++ types, no vectors.
//   NAME_kernels.inl  defines them inside `namespace CORPUSMILL_ISA { … }` over the vectors of vector.inl, and ends with
//                     `constexpr NameKernels kNameKernels{…}`. It includes nothing: the levels' files do.
//   isa_levels.inl    includes every .inl and lists the group in the level's one KernelTable; add a line in each place.
//   isa.h             has the group as a member of KernelTable (below).
//   NAME.cc           what the program calls: `kernels().name.function(…)`.
//
// Three traps. Code in an .inl may be compiled for AVX-512, so it must define no function or template that another level
// could share: everything stays inside the level's namespace and `static`, and templates of the standard library are
// not called (the linker keeps one copy of an inline function, of whichever level). The add-on is compiled with
// -ffp-contract=off: what should be a fused multiply-add says `fma` (vector.inl). And lanes differ between levels, so a
// sum over lanes has other bits on another level: results are the same for any number of threads, not for any processor.
//
// CORPUSMILL_ISA=scalar|avx2|avx512|neon (the environment, read once) asks for a level, for tests; one that this
// processor lacks is passed over: `kernels().name` tells.
#pragma once

#include <cstddef>

#include "attention_kernels.h"
#include "elementwise_kernels.h"
#include "gemm_kernels.h"
#include "head_kernels.h"
#include "norm_kernels.h"
#include "row_kernels.h"
#include "update_kernels.h"
#include "vector_math_kernels.h"

namespace corpusmill::tensor {

enum class Isa { Scalar, Neon, Avx2, Avx512 };

struct KernelTable {
  Isa isa;
  const char* name;
  // Floats in a vector.
  size_t lanes;
  GemmKernels gemm;
  AttentionKernels attention;
  ElementwiseKernels elementwise;
  HeadKernels head;
  NormKernels norm;
  RowKernels rows;
  UpdateKernels update;
  VectorMathKernels vector_math;
};

// The level that CORPUSMILL_ISA names, otherwise the best one that this processor runs; chosen once, on the first call.
const KernelTable& kernels();

// The levels that this processor runs, slowest first; returns their number, at most 4.
size_t runnable_levels(const KernelTable** levels);

}  // namespace corpusmill::tensor
