// Matrix products for one instruction set: see gemm_kernels.h.
//
// Training multiplies tall matrices: thousands of rows of activations by weights of a few hundred rows and columns. So a
// block of B, kDepth deep and kColumns wide, is packed into panels of kTileColumns and stays in the second-level cache while all
// rows of A pass by, a tile's height at a time; the strip of A is read where it lies and stays in the first-level cache
// for as many tiles as the block has panels. (The books' way packs blocks of A too: for 128 columns of B that costs a
// tenth of the product.) Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
namespace corpusmill::tensor::CORPUSMILL_ISA {

#if defined(CORPUSMILL_VECTOR_AVX512)
// 28 sums, two vectors of B and a broadcast of A: 31 of 32 registers. 12 KiB + 24 KiB of the first-level cache.
constexpr size_t kTileRows = 14, kTileVectors = 2, kDepth = 256, kColumns = 512;
#elif defined(CORPUSMILL_VECTOR_AVX2)
constexpr size_t kTileRows = 6, kTileVectors = 2, kDepth = 256, kColumns = 240;
#elif defined(CORPUSMILL_VECTOR_NEON)
constexpr size_t kTileRows = 8, kTileVectors = 3, kDepth = 256, kColumns = 240;
#else
constexpr size_t kTileRows = 6, kTileVectors = 2, kDepth = 256, kColumns = 240;
#endif
constexpr size_t kTileColumns = kTileVectors * kLanes;
// Rows of A a multiple of 4 KiB apart fall into the same few lines of the cache: such strips are copied to rows this far
// apart, which costs less than the misses (5 % of a product of 1024 x 1024).
constexpr size_t kCollision = 1024, kStripRow = kDepth + 16;
constexpr size_t kScratchFloats = kDepth * kColumns + kTileRows * kStripRow;
static_assert(kColumns % kTileColumns == 0);

struct Tile {
  size_t depth;
  const float* a;
  size_t a_stride;
  const float* b;
  size_t b_row;
  float* c;
  size_t c_row;
  // Columns that are stored.
  size_t columns;
  const float* bias;
  float alpha;
  bool accumulate;
};

// kRows x kVectors sums. kByRows: the strip of A is rows, a_stride apart; otherwise columns.
template <size_t kRows, size_t kVectors, bool kByRows>
static void multiply_tile(const Tile& tile) {
  Vec sums[kRows][kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; v++) sums[i][v] = zero();
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kRows; i++) {
    prefetch(tile.c + i * tile.c_row);
    if (kVectors * kLanes > 16) prefetch(tile.c + i * tile.c_row + tile.columns - 1);
  }
  const size_t stride = tile.a_stride, b_row = tile.b_row, depth = tile.depth;
  const float* b = tile.b;
  if constexpr (kByRows) {
    // A pointer for every three rows: the second and the third are one addition away in the address itself.
    const float* a[(kRows + 2) / 3];
#pragma GCC unroll 8
    for (size_t i = 0; i < (kRows + 2) / 3; i++) a[i] = tile.a + 3 * i * stride;
#pragma GCC unroll 4
    for (size_t l = 0; l < depth; l++) {
      Vec row[kVectors];
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; v++) row[v] = load(b + v * kLanes);
      b += b_row;
#pragma GCC unroll 16
      for (size_t i = 0; i < kRows; i++) {
        const Vec x = broadcast(a[i / 3][i % 3 * stride]);
#pragma GCC unroll 4
        for (size_t v = 0; v < kVectors; v++) sums[i][v] = fma(x, row[v], sums[i][v]);
      }
#pragma GCC unroll 8
      for (size_t i = 0; i < (kRows + 2) / 3; i++) a[i]++;
    }
  } else {
    const float* a = tile.a;
#pragma GCC unroll 4
    for (size_t l = 0; l < depth; l++) {
      Vec row[kVectors];
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; v++) row[v] = load(b + v * kLanes);
      b += b_row;
#pragma GCC unroll 16
      for (size_t i = 0; i < kRows; i++) {
        const Vec x = broadcast(a[i]);
#pragma GCC unroll 4
        for (size_t v = 0; v < kVectors; v++) sums[i][v] = fma(x, row[v], sums[i][v]);
      }
      a += stride;
    }
  }
  const Vec alpha = broadcast(tile.alpha);
  Vec bias[kVectors];
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; v++) {
    const size_t columns = tile.columns > v * kLanes ? tile.columns - v * kLanes : 0;
    bias[v] = tile.bias == nullptr ? zero() : load_first(tile.bias + v * kLanes, columns < kLanes ? columns : kLanes);
  }
  if (tile.columns == kVectors * kLanes) {
#pragma GCC unroll 16
    for (size_t i = 0; i < kRows; i++) {
      float* const c = tile.c + i * tile.c_row;
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; v++) {
        const Vec base = tile.accumulate ? add(load(c + v * kLanes), bias[v]) : bias[v];
        store(c + v * kLanes, fma(alpha, sums[i][v], base));
      }
    }
    return;
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kRows; i++) {
    float* const c = tile.c + i * tile.c_row;
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; v++) {
      if (tile.columns <= v * kLanes) break;
      const size_t columns = tile.columns - v * kLanes < kLanes ? tile.columns - v * kLanes : kLanes;
      const Vec base = tile.accumulate ? add(load_first(c + v * kLanes, columns), bias[v]) : bias[v];
      store_first(c + v * kLanes, fma(alpha, sums[i][v], base), columns);
    }
  }
}

using MultiplyTile = void (*)(const Tile&);

// By rows - 1, vectors - 1 and the strip's form.
struct TileTable {
  MultiplyTile tiles[kTileRows][kTileVectors][2];
};

template <size_t kRows, size_t kVectors>
static constexpr void fill_tiles(TileTable& table) {
  table.tiles[kRows - 1][kVectors - 1][0] = multiply_tile<kRows, kVectors, false>;
  table.tiles[kRows - 1][kVectors - 1][1] = multiply_tile<kRows, kVectors, true>;
  if constexpr (kVectors > 1) fill_tiles<kRows, kVectors - 1>(table);
  else if constexpr (kRows > 1) fill_tiles<kRows - 1, kTileVectors>(table);
}

static constexpr TileTable make_tiles() {
  TileTable table{};
  fill_tiles<kTileRows, kTileVectors>(table);
  return table;
}

constexpr TileTable kTiles = make_tiles();

CORPUSMILL_INLINE static size_t least(size_t a, size_t b) { return a < b ? a : b; }

// `depth` rows of `columns` floats into panels of kTileColumns, the last filled with zeros.
static void pack_rows(const float* b, size_t b_row, size_t depth, size_t columns, float* out) {
  for (size_t j = 0; j < columns; j += kTileColumns, out += depth * kTileColumns) {
    const size_t width = least(kTileColumns, columns - j);
    const float* from = b + j;
    if (width == kTileColumns) {
      for (size_t l = 0; l < depth; l++, from += b_row) {
#pragma GCC unroll 4
        for (size_t v = 0; v < kTileVectors; v++) store(out + l * kTileColumns + v * kLanes, load(from + v * kLanes));
      }
    } else {
      for (size_t l = 0; l < depth; l++, from += b_row) {
#pragma GCC unroll 4
        for (size_t v = 0; v < kTileColumns; v += kLanes) {
          const size_t lanes = width > v ? least(kLanes, width - v) : 0;
          store(out + l * kTileColumns + v, lanes == kLanes ? load(from + v) : load_first(from + v, lanes));
        }
      }
    }
  }
}

// The same from a B whose columns lie in one piece, `b_column` apart.
static void pack_columns(const float* b, size_t b_column, size_t depth, size_t columns, float* out) {
  for (size_t j = 0; j < columns; j += kTileColumns, out += depth * kTileColumns) {
    for (size_t v = 0; v < kTileColumns; v += kLanes) {
      const size_t width = j + v < columns ? least(kLanes, columns - j - v) : 0;
      const float* const from = b + (j + v) * b_column;
      float* const to = out + v;
      size_t l = 0;
      if (width == kLanes) {
        for (; l + kLanes <= depth; l += kLanes) transpose(from + l, b_column, to + l * kTileColumns, kTileColumns);
      } else {
        for (size_t i = 0; i < depth; i++) store(to + i * kTileColumns, zero());
      }
      for (; l < depth; l++) {
        for (size_t i = 0; i < width; i++) to[l * kTileColumns + i] = from[i * b_column + l];
      }
    }
  }
}

// Copies the strip of `rows` rows of A to rows kStripRow apart.
static void copy_strip(const float* a, size_t a_row, size_t rows, size_t depth, float* out) {
  for (size_t i = 0; i < rows; i++) {
    size_t l = 0;
    for (; l + kLanes <= depth; l += kLanes) store(out + i * kStripRow + l, load(a + i * a_row + l));
    for (; l < depth; l++) out[i * kStripRow + l] = a[i * a_row + l];
  }
}

// Pieces of about equal size, none larger than `most`, in multiples of `unit`.
static size_t piece(size_t whole, size_t most, size_t unit) {
  const size_t pieces = (whole + most - 1) / most;
  const size_t size = (whole + pieces - 1) / pieces;
  return (size + unit - 1) / unit * unit;
}

static void multiply_block(const GemmBlock& block, float* scratch) {
  const bool by_rows = block.a_column == 1;
  const size_t a_stride = by_rows ? block.a_row : block.a_column;
  const size_t strips = (block.m + kTileRows - 1) / kTileRows;
  float* const strip = scratch + kDepth * kColumns;
  const size_t depth_step = piece(block.k, kDepth, 8), column_step = piece(block.n, kColumns, kTileColumns);
  // A few rows are not worth packing B for.
  const bool is_packed = block.b_column != 1 || block.m > 2 * kTileRows;
  for (size_t j = 0; j < block.n; j += column_step) {
    const size_t columns = least(column_step, block.n - j);
    for (size_t l = 0; l < block.k; l += depth_step) {
      const size_t depth = least(depth_step, block.k - l);
      const float* b = block.b + l * block.b_row + j * block.b_column;
      Tile tile{};
      if (is_packed) {
        if (block.b_column == 1) pack_rows(b, block.b_row, depth, columns, scratch);
        else pack_columns(b, block.b_column, depth, columns, scratch);
      }
      tile.depth = depth;
      tile.c_row = block.c_row;
      tile.alpha = block.alpha;
      tile.accumulate = block.accumulate || l > 0;
      const bool is_copied = by_rows && a_stride % kCollision == 0 && columns > 2 * kTileColumns;
      for (size_t s = 0, i = 0; s < strips; s++) {
        // Strips of equal height, as far as that goes: a last one of a row or two would leave the multipliers idle.
        const size_t rows = block.m / strips + (s < block.m % strips);
        tile.a = block.a + i * block.a_row + l * block.a_column;
        tile.a_stride = a_stride;
        if (is_copied) {
          copy_strip(tile.a, a_stride, rows, depth, strip);
          tile.a = strip;
          tile.a_stride = kStripRow;
        }
        for (size_t p = 0; p < columns; p += kTileColumns) {
          const size_t width = least(kTileColumns, columns - p);
          tile.b = is_packed ? scratch + p * depth : b + p;
          tile.b_row = is_packed ? kTileColumns : block.b_row;
          tile.c = block.c + i * block.c_row + j + p;
          tile.columns = width;
          tile.bias = block.bias == nullptr || l > 0 ? nullptr : block.bias + j + p;
          kTiles.tiles[rows - 1][(width - 1) / kLanes][by_rows](tile);
        }
        i += rows;
      }
    }
  }
}

// Sums of products of kRows rows of A and kColumns columns of B, vectors along k.
template <size_t kRows, size_t kColumnCount>
CORPUSMILL_INLINE static void dot_tile(const GemmBlock& block, size_t i0, size_t j0) {
  Vec sums[kRows][kColumnCount];
  const float* a[kRows];
  const float* b[kColumnCount];
#pragma GCC unroll 4
  for (size_t i = 0; i < kRows; i++) {
    a[i] = block.a + (i0 + i) * block.a_row;
#pragma GCC unroll 8
    for (size_t j = 0; j < kColumnCount; j++) sums[i][j] = zero();
  }
#pragma GCC unroll 8
  for (size_t j = 0; j < kColumnCount; j++) b[j] = block.b + (j0 + j) * block.b_column;
  size_t l = 0;
  for (; l + kLanes <= block.k; l += kLanes) {
    Vec x[kRows];
#pragma GCC unroll 4
    for (size_t i = 0; i < kRows; i++) x[i] = load(a[i] + l);
#pragma GCC unroll 8
    for (size_t j = 0; j < kColumnCount; j++) {
      const Vec y = load(b[j] + l);
#pragma GCC unroll 4
      for (size_t i = 0; i < kRows; i++) sums[i][j] = fma(x[i], y, sums[i][j]);
    }
  }
  if (l < block.k) {
    const size_t rest = block.k - l;
    Vec x[kRows];
#pragma GCC unroll 4
    for (size_t i = 0; i < kRows; i++) x[i] = load_first(a[i] + l, rest);
#pragma GCC unroll 8
    for (size_t j = 0; j < kColumnCount; j++) {
      const Vec y = load_first(b[j] + l, rest);
#pragma GCC unroll 4
      for (size_t i = 0; i < kRows; i++) sums[i][j] = fma(x[i], y, sums[i][j]);
    }
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < kRows; i++) {
    float* const c = block.c + (i0 + i) * block.c_row + j0;
#pragma GCC unroll 8
    for (size_t j = 0; j < kColumnCount; j++) {
      float value = block.alpha * sum(sums[i][j]);
      if (block.accumulate) value += c[j];
      if (block.bias != nullptr) value += block.bias[j0 + j];
      c[j] = value;
    }
  }
}

template <size_t kRows, size_t kColumnCount>
static void dot_rows(const GemmBlock& block, size_t i, size_t j, size_t columns) {
  size_t done = 0;
  for (; done + kColumnCount <= columns; done += kColumnCount) dot_tile<kRows, kColumnCount>(block, i, j + done);
  for (; done < columns; done++) dot_tile<kRows, 1>(block, i, j + done);
}

// For 4 rows as many columns as registers allow.
#if defined(CORPUSMILL_VECTOR_AVX512) || defined(CORPUSMILL_VECTOR_NEON)
constexpr size_t kDotColumns[4] = {8, 8, 8, 6};
#else
constexpr size_t kDotColumns[4] = {8, 4, 3, 2};
#endif

static void multiply_dots(const GemmBlock& block) {
  // Columns of B that stay in the first-level cache, about 32 KiB of them, while the rows of A pass by.
  const size_t fitting = 8192 / (block.k + 1) / 24 * 24;
  const size_t step = fitting < 24 ? 24 : fitting;
  for (size_t j = 0; j < block.n; j += step) {
    const size_t columns = least(step, block.n - j);
    size_t i = 0;
    for (; i + 4 <= block.m; i += 4) dot_rows<4, kDotColumns[3]>(block, i, j, columns);
    if (block.m - i == 3) dot_rows<3, kDotColumns[2]>(block, i, j, columns);
    if (block.m - i == 2) dot_rows<2, kDotColumns[1]>(block, i, j, columns);
    if (block.m - i == 1) dot_rows<1, kDotColumns[0]>(block, i, j, columns);
  }
}

static size_t fma_chains(size_t rounds, float* sink) {
  constexpr size_t kChains = kLanes == 16 ? 24 : 12;
  constexpr size_t kRepeats = 16;
  Vec chain[kChains];
  const Vec factor = broadcast(sink[0]), term = broadcast(sink[1]);
  for (size_t c = 0; c < kChains; c++) chain[c] = broadcast(static_cast<float>(c));
  for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 16
    for (size_t r = 0; r < kRepeats; r++) {
#pragma GCC unroll 24
      for (size_t c = 0; c < kChains; c++) chain[c] = fma(chain[c], factor, term);
    }
  }
  Vec total = zero();
  for (size_t c = 0; c < kChains; c++) total = add(total, chain[c]);
  sink[2] = sum(total);
  return kRepeats * kChains * kLanes * 2;
}

constexpr GemmKernels kGemmKernels{kTileRows, kTileColumns, kScratchFloats, multiply_block, multiply_dots, fma_chains};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
