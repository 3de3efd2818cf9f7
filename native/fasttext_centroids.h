// The nearest of 256 centroids to each of many points, for product quantization: the contract is
// src/quality/fasttext/product-quantizer.ts, whose twin gives the same codes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::fasttext {

constexpr size_t kCentroids = 256, kWidestPoint = 16;

// points [count, width], centroids [256, width], codes [count]; width is at most kWidestPoint. Distances are 32-bit sums from
// the first value to the last; of equals the first wins.
void nearest_centroids(const float* points, size_t count, size_t width, const float* centroids, uint8_t* codes);

}  // namespace corpusmill::fasttext
