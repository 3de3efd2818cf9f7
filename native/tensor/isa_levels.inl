// Every kernel of one level and the level's table. The file of a level defines, before it includes this one:
// CORPUSMILL_ISA (the namespace), CORPUSMILL_ISA_ENUM, CORPUSMILL_ISA_NAME and CORPUSMILL_LANES (floats in a vector).
#include "vector.inl"
#include "vector_math.inl"
#include "attention_tiles.inl"
#include "attention_forward.inl"
#include "attention_backward.inl"
#include "attention_rows.inl"
#include "gemm_kernels.inl"
#include "head_kernels.inl"
#include "elementwise_kernels.inl"
#include "norm_kernels.inl"
#include "row_kernels.inl"
#include "update_kernels.inl"
#include "vector_math_kernels.inl"

namespace corpusmill::tensor::CORPUSMILL_ISA {

extern const KernelTable kTable;
const KernelTable kTable{Isa::CORPUSMILL_ISA_ENUM, CORPUSMILL_ISA_NAME, CORPUSMILL_LANES, kGemmKernels, attention::kAttentionKernels,
                         kElementwiseKernels, kHeadKernels, kNormKernels, kRowKernels, kUpdateKernels,
                         kVectorMathKernels};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
