// sums += z * packed weights: register tiles over strips of columns.
//
// A panel's columns are cut into strips of STRIP vectors (the last may be narrower). A strip holds its weights as
// [depth][strip width], contiguous, so a tile reads whole cache lines in order whatever the panel's shape.
// Sums live in memory between calls, which is exact: phases and blocks of depth may be cut anywhere.

#define STRIP (RECURRA_REGISTERS == 32 ? 4 : 2)

enum { maximumTileRows = 6, lineFloats = 16, stretchFloats = 1 << 15 };

#define TILE_PARAMETERS                                                                       \
  const float *z, ptrdiff_t zStride, ptrdiff_t depth, const float *weights, ptrdiff_t stripStride, float *sums, \
    ptrdiff_t sumsStride, const float *ahead
#define TILE_ARGUMENTS z, zStride, depth, weights, stripStride, sums, sumsStride, ahead

typedef void Tile(TILE_PARAMETERS);

INLINE void tileBody(const int rows, const int strips, const int vectors, TILE_PARAMETERS) {
  const int width = strips * vectors;
  Vector sum[24];
#pragma clang loop unroll(full)
  for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
    for (int v = 0; v < width; v++) sum[row * width + v] = load(sums + row * sumsStride + v * WIDTH);

  for (ptrdiff_t k = 0; k < depth; k++) {
    // With few rows the weights stream by anyway, and the core's own prefetcher sees it.
    if (rows > 3) __builtin_prefetch(ahead + k * lineFloats, 0, 2);
    // What there is less of stays in registers: sums leave only a few of them.
    if (width < rows) {
      Vector weight[8];
#pragma clang loop unroll(full)
      for (int v = 0; v < width; v++)
        weight[v] = load(weights + v / vectors * stripStride + (k * vectors + v % vectors) * WIDTH);
#pragma clang loop unroll(full)
      for (int row = 0; row < rows; row++) {
        Vector value = broadcast(z[row * zStride + k]);
#pragma clang loop unroll(full)
        for (int v = 0; v < width; v++) sum[row * width + v] = fma(value, weight[v], sum[row * width + v]);
      }
    } else {
      Vector value[8];
#pragma clang loop unroll(full)
      for (int row = 0; row < rows; row++) value[row] = broadcast(z[row * zStride + k]);
#pragma clang loop unroll(full)
      for (int v = 0; v < width; v++) {
        Vector weight = load(weights + v / vectors * stripStride + (k * vectors + v % vectors) * WIDTH);
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) sum[row * width + v] = fma(value[row], weight, sum[row * width + v]);
      }
    }
  }

#pragma clang loop unroll(full)
  for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
    for (int v = 0; v < width; v++) store(sums + row * sumsStride + v * WIDTH, sum[row * width + v]);
}

#define TILE(rows, strips, vectors)                                   \
  static void tile_##rows##_##strips##_##vectors(TILE_PARAMETERS) {   \
    tileBody(rows, strips, vectors, TILE_ARGUMENTS);                  \
  }

#define ROWS_OF_TILES(vectors)                                      \
  TILE(1, 1, vectors) TILE(2, 1, vectors) TILE(3, 1, vectors)       \
  TILE(4, 1, vectors) TILE(5, 1, vectors) TILE(6, 1, vectors)
#define ROW_OF_NAMES(vectors)                                                                                     \
  { tile_1_1_##vectors, tile_2_1_##vectors, tile_3_1_##vectors, tile_4_1_##vectors, tile_5_1_##vectors,           \
    tile_6_1_##vectors }
// Few rows have too few chains to hide an FMA's latency, so they take several strips at once.
#define GROUPS_OF_TILES(vectors) \
  TILE(1, 2, vectors) TILE(1, 3, vectors) TILE(1, 4, vectors) TILE(2, 2, vectors) TILE(3, 2, vectors)
#define GROUPS_OF_NAMES(vectors)                                                                                  \
  {                                                                                                               \
    {tile_1_1_##vectors, tile_1_2_##vectors, tile_1_3_##vectors, tile_1_4_##vectors},                             \
      {tile_2_1_##vectors, tile_2_2_##vectors}, { tile_3_1_##vectors, tile_3_2_##vectors }                        \
  }

ROWS_OF_TILES(1)
ROWS_OF_TILES(2)
#if RECURRA_REGISTERS == 32
ROWS_OF_TILES(3)
ROWS_OF_TILES(4)
GROUPS_OF_TILES(4)
static Tile *const tiles[STRIP][maximumTileRows] = {ROW_OF_NAMES(1), ROW_OF_NAMES(2), ROW_OF_NAMES(3), ROW_OF_NAMES(4)};
static Tile *const groupTiles[3][4] = GROUPS_OF_NAMES(4);
#else
GROUPS_OF_TILES(2)
static Tile *const tiles[STRIP][maximumTileRows] = {ROW_OF_NAMES(1), ROW_OF_NAMES(2)};
static Tile *const groupTiles[3][4] = GROUPS_OF_NAMES(2);
#endif

/// Adds z[rows][depth] times rows [firstDepth, firstDepth + depth) of a panel of `floats` columns to sums.
INLINE void accumulate(
  ptrdiff_t rows, const float *z, ptrdiff_t zStride, ptrdiff_t depth, const float *panel, ptrdiff_t panelDepth,
  ptrdiff_t firstDepth, ptrdiff_t floats, float *sums, ptrdiff_t sumsStride
) {
  const ptrdiff_t stripFloats = STRIP * WIDTH, stripStride = stripFloats * panelDepth;
  ptrdiff_t column = 0;
  if (rows <= 3)
    for (ptrdiff_t strips; (strips = smaller((floats - column) / stripFloats, rows == 1 ? 4 : 2)) > 1;) {
      groupTiles[rows - 1][strips - 1](
        z, zStride, depth, panel + column * panelDepth + firstDepth * stripFloats, stripStride, sums + column,
        sumsStride, z);
      column += strips * stripFloats;
    }
  // Equal shares rather than full tiles and a rest: a tile of one row has too few chains.
  ptrdiff_t blocks = (rows + maximumTileRows - 1) / maximumTileRows;
  for (; column < floats; column += stripFloats) {
    const ptrdiff_t width = smaller(stripFloats, floats - column);
    Tile *const *tile = tiles[width / WIDTH - 1];
    // A stretch of the strip at a time, so that the second tile finds it in the core's own cache.
    for (ptrdiff_t begin = 0; begin < depth; begin += stretchFloats / stripFloats) {
      const ptrdiff_t count = smaller(stretchFloats / stripFloats, depth - begin);
      const float *weights = panel + column * panelDepth + (firstDepth + begin) * width;
      // The tiles of a stretch share the fetching of the next one, a line per step of depth each.
      const ptrdiff_t toNext = begin + count < depth ? count * width : stripFloats * panelDepth - begin * width;
      const float *next = weights + toNext;
      for (ptrdiff_t block = 0, row = 0; block < blocks; block++) {
        const ptrdiff_t end = rows * (block + 1) / blocks;
        tile[end - row - 1](
          z + row * zStride + begin, zStride, count, weights, 0, sums + row * sumsStride + column, sumsStride,
          next + smaller(block, (stripFloats - 1) / lineFloats) * count * lineFloats);
        row = end;
      }
    }
  }
}
