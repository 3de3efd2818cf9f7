// What kernels with several instruction sets need of the compiler: one body, inlined into a function for each target.
#pragma once

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
#define CORPUSMILL_X86 1
#endif

#if defined(__GNUC__) || defined(__clang__)
#define CORPUSMILL_INLINE __attribute__((always_inline)) inline
// Behind the parameters of a lambda.
#define CORPUSMILL_INLINE_LAMBDA __attribute__((always_inline))
#else
#define CORPUSMILL_INLINE inline
#define CORPUSMILL_INLINE_LAMBDA
#endif
