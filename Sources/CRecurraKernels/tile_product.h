// sums += z * packed weights by the matrix unit: operands are split into parts once for a step, and meet every panel.

enum { leftPanelWidth = tileLines };

/// A left operand: [rows][depth], for depth [first, first + depth) of a panel, whose sums begin at a column.
typedef struct {
  const float *z;
  ptrdiff_t stride, depth, first, column;
  /// [block of rows][step of depth][part], tiles each, a block every `blockBytes`.
  const char *parts;
  ptrdiff_t blockBytes;
  /// Rows that have no parts, a bit for each: they are zeros in the tiles, and multiplied otherwise.
  uint64_t unfit;
} Operand;

/// What an operand is without its first columns, whole steps.
INLINE Operand operandFrom(ptrdiff_t column, const Operand *whole) {
  Operand rest = *whole;
  rest.z += column, rest.depth -= column, rest.first += column;
  rest.parts += column / depthStep * parts * tileBytes;
  return rest;
}

/// Rows are cut into equal blocks of at most a tile's lines. The last may have fewer: what its other lines hold is
/// multiplied as well, and lands in rows of the sums that nobody reads.
INLINE ptrdiff_t tileBlocks(ptrdiff_t rows) { return (rows + tileLines - 1) / tileLines; }
INLINE ptrdiff_t tileRows(ptrdiff_t rows) { return (rows + tileBlocks(rows) - 1) / tileBlocks(rows); }

static size_t scratchSize(ptrdiff_t rows, ptrdiff_t depth) {
  // The sums, and two operands, each padded.
  const ptrdiff_t operands = tileBlocks(smaller(rows, rowsPerBlock)) * (depth / depthStep + 2) * parts * tileFloats;
  return (size_t)(sumsFloats(rows) + operands);
}

/// Splits a row of an operand; returns whether all of it could be.
INLINE int splitRow(const float *z, ptrdiff_t depth, char *to) {
  Words bad = 0;
  for (ptrdiff_t begin = 0; begin < depth; begin += depthStep, to += parts * tileBytes) {
    const Vector low = loadRest(z, begin, depth), high = loadRest(z, begin + WIDTH, depth);
    Words part[parts];
    splitPair(low, high, part);
    bad |= unfit(low) | unfit(high);
    EACH(p, 0, parts) storeWords(to + p * tileBytes, part[p]);
  }
  return _mm512_test_epi32_mask((__m512i)bad, (__m512i)bad) == 0;
}

/// Splits an operand of at most rowsPerBlock rows into scratch, and returns what is left of that.
INLINE float *splitOperand(Operand *operand, ptrdiff_t rows, float *scratch) {
  const ptrdiff_t steps = packedDepth(operand->depth) / depthStep, together = tileRows(rows);
  operand->parts = (const char *)scratch;
  operand->blockBytes = steps * parts * tileBytes;
  operand->unfit = 0;
  for (ptrdiff_t row = 0; row < rows; row++) {
    char *to = (char *)scratch + row / together * operand->blockBytes + row % together * 64;
    if (splitRow(operand->z + row * operand->stride, operand->depth, to)) continue;
    operand->unfit |= (uint64_t)1 << row;
    for (ptrdiff_t tile = 0; tile < steps * parts; tile++) storeWords(to + tile * tileBytes, (Words)0);
  }
  return scratch + tileBlocks(rows) * operand->blockBytes / 4;
}

/// A panel of packed weights.
typedef struct {
  const float *weights;
  ptrdiff_t depth, floats;
} Panel;

INLINE Panel panelOf(
  ptrdiff_t columns, const float *weights, const float *next, ptrdiff_t depth, Errand *errand,
  enum Whereabouts whereabouts
) {
  (void)next, (void)errand, (void)whereabouts;
  return (Panel){weights, depth, roundUp(columns, WIDTH)};
}

/// Makes the tiles: sums and left operands of so many rows, weights of all lines.
INLINE void configureTiles(ptrdiff_t rows) {
  struct {
    uint8_t palette, start, reserved[14];
    uint16_t columnBytes[16];
    uint8_t rows[16];
  } shape = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    shape.columnBytes[tile] = 64;
    shape.rows[tile] = tile < 6 ? (uint8_t)rows : tileLines;
  }
  _tile_loadconfig(&shape);
}

// Tiles 0 to 3 are sums, 4 and 5 left operands, 6 and 7 weights. Each sum meets the parts in the same order, whatever
// the shape: first those of the left operand's first part.
#define PARTS(LEFT, WEIGHTS, MULTIPLY)                                                     \
  LEFT(0) WEIGHTS(2) MULTIPLY WEIGHTS(1) MULTIPLY WEIGHTS(0) MULTIPLY                      \
  LEFT(2) MULTIPLY LEFT(1) MULTIPLY WEIGHTS(1) MULTIPLY

#define LEFT_1(p) _tile_loadd(4, left + (p)*tileBytes, 64);
#define LEFT_2(p) LEFT_1(p) _tile_loadd(5, left + blockBytes + (p)*tileBytes, 64);
#define WEIGHTS_1(p) _tile_loadd(6, weights + (p)*tileBytes, 64);
#define WEIGHTS_2(p)                                   \
  _tile_loadd(6, weights + (p)*2 * tileBytes, 64);     \
  _tile_loadd(7, weights + ((p)*2 + 1) * tileBytes, 64);
#define MULTIPLY_1_1 _tile_dpbf16ps(0, 4, 6);
#define MULTIPLY_1_2 MULTIPLY_1_1 _tile_dpbf16ps(1, 4, 7);
#define MULTIPLY_2_1 MULTIPLY_1_1 _tile_dpbf16ps(2, 5, 6);
#define MULTIPLY_2_2 MULTIPLY_1_2 _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);

/// One or two blocks of rows times one or two tiles of columns.
INLINE void multiplyTiles(
  const int blocks, const int columns, const char *left, ptrdiff_t blockBytes, const char *weights, ptrdiff_t steps,
  float *sums, ptrdiff_t rows
) {
  const ptrdiff_t stride = sumsWidth * sizeof(float);
  float *second = sums + rows * sumsWidth;
  _tile_loadd(0, sums, stride);
  if (columns == 2) _tile_loadd(1, sums + WIDTH, stride);
  if (blocks == 2) _tile_loadd(2, second, stride);
  if (blocks == 2 && columns == 2) _tile_loadd(3, second + WIDTH, stride);
  for (ptrdiff_t step = 0; step < steps; step++) {
    if (blocks == 2 && columns == 2) {
      PARTS(LEFT_2, WEIGHTS_2, MULTIPLY_2_2)
    } else if (blocks == 2) {
      PARTS(LEFT_2, WEIGHTS_1, MULTIPLY_2_1)
    } else if (columns == 2) {
      PARTS(LEFT_1, WEIGHTS_2, MULTIPLY_1_2)
    } else {
      PARTS(LEFT_1, WEIGHTS_1, MULTIPLY_1_1)
    }
    left += parts * tileBytes;
    weights += columns * parts * tileBytes;
  }
  _tile_stored(0, sums, stride);
  if (columns == 2) _tile_stored(1, sums + WIDTH, stride);
  if (blocks == 2) _tile_stored(2, second, stride);
  if (blocks == 2 && columns == 2) _tile_stored(3, second + WIDTH, stride);
}

#define ROW_OF_FOUR(p)                                                                                 \
  _tile_loadd(6, weights + (p)*2 * tileBytes, 64); _tile_dpbf16ps(0, 4, 6);                            \
  _tile_loadd(7, weights + ((p)*2 + 1) * tileBytes, 64); _tile_dpbf16ps(1, 4, 7);                      \
  _tile_loadd(6, others + (p)*2 * tileBytes, 64); _tile_dpbf16ps(2, 4, 6);                             \
  _tile_loadd(7, others + ((p)*2 + 1) * tileBytes, 64); _tile_dpbf16ps(3, 4, 7);

/// One block of rows times two pairs of columns: four chains where two would wait for each other.
INLINE void multiplyFour(
  const char *left, const char *weights, const char *others, ptrdiff_t steps, float *sums
) {
  const ptrdiff_t stride = sumsWidth * sizeof(float);
  _tile_loadd(0, sums, stride);
  _tile_loadd(1, sums + WIDTH, stride);
  _tile_loadd(2, sums + 2 * WIDTH, stride);
  _tile_loadd(3, sums + 3 * WIDTH, stride);
  for (ptrdiff_t step = 0; step < steps; step++) {
    LEFT_1(0) ROW_OF_FOUR(2) ROW_OF_FOUR(1) ROW_OF_FOUR(0)
    LEFT_1(2) ROW_OF_FOUR(0)
    LEFT_1(1) ROW_OF_FOUR(0) ROW_OF_FOUR(1)
    left += parts * tileBytes;
    weights += 2 * parts * tileBytes;
    others += 2 * parts * tileBytes;
  }
  _tile_stored(0, sums, stride);
  _tile_stored(1, sums + WIDTH, stride);
  _tile_stored(2, sums + 2 * WIDTH, stride);
  _tile_stored(3, sums + 3 * WIDTH, stride);
}

/// Adds an operand times a panel to the sums by vectors, for a row that no parts add up to: infinite somewhere, or NaN.
static __attribute__((noinline)) void multiplyUnfit(
  const Operand *operand, ptrdiff_t row, const Panel *panel, float *sums
) {
  const ptrdiff_t tiles = panel->floats / WIDTH, steps = panel->depth / depthStep, first = packedDepth(operand->first);
  const float *z = operand->z + row * operand->stride;
  for (ptrdiff_t tile = 0; tile < tiles; tile++) {
    Vector sum = load(sums + tile * WIDTH);
    for (ptrdiff_t k = 0; k < operand->depth; k++) {
      const ptrdiff_t within = k % depthStep;
      ptrdiff_t stride;
      const char *at = (const char *)panel->weights +
                       tileOffset(tiles, tile, steps, (first + k) / depthStep, &stride) + within % tileLines * 64;
      Vector weight = broadcast(0);
      for (int p = parts - 1; p >= 0; p--) {
        const Words words = *(const UnalignedWords *)(at + p * stride);
        weight += (Vector)(within < tileLines ? words << 16 : words & 0xffff0000u);
      }
      sum = fma(broadcast(z[k]), weight, sum);
    }
    store(sums + tile * WIDTH, sum);
  }
}

/// Adds an operand times a panel to the sums.
INLINE void accumulateTiles(ptrdiff_t rows, const Operand *operand, const Panel *panel, float *sums) {
  const ptrdiff_t steps = packedDepth(operand->depth) / depthStep, tiles = panel->floats / WIDTH;
  const ptrdiff_t first = packedDepth(operand->first) / depthStep, blocks = tileBlocks(rows), together = tileRows(rows);
  const char *weights = (const char *)panel->weights;
  const ptrdiff_t pairBytes = panel->depth / depthStep * parts * 2 * tileBytes, blockBytes = operand->blockBytes;
  sums += operand->column;
  for (ptrdiff_t tile = 0; tile < tiles; tile += 2) {
    const ptrdiff_t columns = smaller(2, tiles - tile);
    const char *own = weights + tile / 2 * pairBytes + first * columns * parts * tileBytes;
    for (ptrdiff_t block = 0; block < blocks; block += 2) {
      const char *left = operand->parts + block * blockBytes;
      float *to = sums + block * together * sumsWidth + tile * WIDTH;
      if (blocks - block >= 2) {
        if (columns == 2)
          multiplyTiles(2, 2, left, blockBytes, own, steps, to, together);
        else
          multiplyTiles(2, 1, left, blockBytes, own, steps, to, together);
      } else if (tiles == 4) {
        if (tile == 0) multiplyFour(left, own, own + pairBytes, steps, to);
      } else if (columns == 2) {
        multiplyTiles(1, 2, left, blockBytes, own, steps, to, together);
      } else {
        multiplyTiles(1, 1, left, blockBytes, own, steps, to, together);
      }
    }
  }
  for (uint64_t left = operand->unfit; left; left &= left - 1) {
    const ptrdiff_t row = __builtin_ctzll(left);
    multiplyUnfit(operand, row, panel, sums + row * sumsWidth);
  }
}

/// Multiplies at most rowsPerBlock rows by a panel; operands follow each other in one chain of sums.
INLINE void multiplyPanel(
  ptrdiff_t rows, const int count, const Operand *operands, const Panel *panel, float *sums, const int together,
  PrepareSums *prepare, FinishSums *finish, const void *job
) {
  (void)together;
  configureTiles(tileRows(rows));
  EACH(index, 0, count) {
    prepare(job, index, 0, rows, sums, NULL);
    if (operands[index].depth > 0) accumulateTiles(rows, &operands[index], panel, sums);
  }
  _tile_release();
  finish(job, 0, rows, sums);
}
