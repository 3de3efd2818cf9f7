// Suffix array of a text of integers, and how much neighbours in it share. Twins, with what everything means and its
// sources: src/dedup/substring/suffix-array.ts.
//
// Memory beside the arrays of the caller: n bits and 8 bytes for each letter of the alphabet, at most half of both again
// for each level of recursion. Measured by `npm run bench -- substring`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::suffix_array {

// Fills `order` with the starts of the suffixes of text[0, n) in ascending order; a suffix that another begins with comes
// before it. Every letter must lie in [0, alphabet). False: memory ran out.
bool sort_suffixes(const int32_t* text, int32_t n, int32_t alphabet, int32_t* order);

// For each suffix, by its start, how many letters it shares with the suffix before it in `order` (0 for the first), whose
// entries must lie in [0, n).
void shared_prefixes(const int32_t* text, const int32_t* order, int32_t n, int32_t* shared);

}  // namespace corpusmill::suffix_array
