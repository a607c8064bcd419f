// Register tiles: some rows times one or a few strips of packed weights, added to sums in memory.
//
// A strip's weights are contiguous, so a tile reads whole cache lines in order whatever the panel's shape.
// Sums live in memory between calls, which is exact: operands and stretches of depth may be cut anywhere.

enum { leftPanelWidth = maximumTileRows };

#define TILE_PARAMETERS                                                                       \
  const float *z, ptrdiff_t zStride, ptrdiff_t depth, const float *weights, ptrdiff_t stripStride,              \
    const TileStart *start, ptrdiff_t firstColumn, float *sums, Ahead ahead
#define TILE_ARGUMENTS z, zStride, depth, weights, stripStride, start, firstColumn, sums, ahead

/// Where vector `v` of a tile's row begins; a strip has whole slots.
#define BEGIN(row, v)                                                                      \
  (start->row[row] + firstColumn + (v) * WIDTH / slotColumns * start->slot + (v) * WIDTH % slotColumns)

/// Steps of depth that a tile does together, to share the loop's instructions: where another thread has half of the
/// core, their number is what counts.
enum { groupDepth = 4 };

/// What a tile fetches on the way: so many lines from here on with every group, 0, 1, 2 or 4.
typedef struct {
  const float *from;
  int lines;
} Ahead;

typedef void Tile(TILE_PARAMETERS);

/// The rows and strips of a tile, each with a pointer of its own.
typedef struct {
  const float *row[tallTileRows], *strip[4];
} TileOperands;

/// Otherwise the compiler derives the pointers from each other again at every step.
#define KEEP(pointer) __asm__("" : "+r"(pointer))

INLINE TileOperands tileOperands(
  const int rows, const int strips, const float *z, ptrdiff_t zStride, const float *weights, ptrdiff_t stripStride
) {
  TileOperands operands;
  EACH(row, 0, rows) {
    operands.row[row] = z + row * zStride;
    KEEP(operands.row[row]);
  }
  EACH(s, 0, strips) {
    operands.strip[s] = weights + s * stripStride;
    KEEP(operands.strip[s]);
  }
  return operands;
}

/// Goes through the depth, group by group.
#define IN_GROUPS(depth, lineCount, from, step)                                             \
  do {                                                                                      \
    ptrdiff_t k = 0;                                                                        \
    const float *line = from;                                                               \
    for (; k + groupDepth <= (depth); k += groupDepth, line += (lineCount)*lineFloats)      \
      EACH(index, 0, groupDepth) {                                                          \
        if (index < (lineCount)) __builtin_prefetch(line + index * lineFloats, 0, 2);       \
        step(k + index);                                                                    \
      }                                                                                     \
    for (; k < (depth); k++) step(k);                                                       \
  } while (0)

/// The same for each number of lines; tiles of few rows ask for none.
#define WITH_LINES(rows, depth, ahead, step)                                               \
  switch ((rows) > 3 ? (ahead).lines : 0) {                                                 \
  case 4: IN_GROUPS(depth, 4, (ahead).from, step); break;                                   \
  case 2: IN_GROUPS(depth, 2, (ahead).from, step); break;                                   \
  case 1: IN_GROUPS(depth, 1, (ahead).from, step); break;                                   \
  default: IN_GROUPS(depth, 0, (ahead).from, step);                                         \
  }

INLINE void tileStep(
  const int rows, const int strips, const int vectors, const TileOperands *operands, ptrdiff_t k, Vector *sum
) {
  const int width = strips * vectors;
#define WEIGHT(v) load(operands->strip[v / vectors] + (k * vectors + v % vectors) * WIDTH)
  // What there is less of stays in registers: sums leave only a few of them.
  if (width < rows) {
    Vector weight[8];
    EACH(v, 0, width) weight[v] = WEIGHT(v);
    EACH(row, 0, rows) {
      const Vector value = broadcast(operands->row[row][k]);
      EACH(v, 0, width) sum[row * width + v] = fma(value, weight[v], sum[row * width + v]);
    }
  } else {
    Vector value[maximumTileRows];
    EACH(row, 0, rows) value[row] = broadcast(operands->row[row][k]);
    EACH(v, 0, width) {
      const Vector weight = WEIGHT(v);
      EACH(row, 0, rows) sum[row * width + v] = fma(value[row], weight, sum[row * width + v]);
    }
  }
#undef WEIGHT
}

/// Adds z * weights to sums in registers.
INLINE void accumulateTile(
  const int rows, const int strips, const int vectors, const float *z, ptrdiff_t zStride, ptrdiff_t depth,
  const float *weights, ptrdiff_t stripStride, Ahead ahead, Vector *sum
) {
  const TileOperands operands = tileOperands(rows, strips, z, zStride, weights, stripStride);
#define STEP(k) tileStep(rows, strips, vectors, &operands, k, sum)
  WITH_LINES(rows, depth, ahead, STEP)
#undef STEP
}

INLINE void tileBody(const int rows, const int strips, const int vectors, TILE_PARAMETERS) {
  const int width = strips * vectors;
  Vector sum[24];
  EACH(row, 0, rows) EACH(v, 0, width) sum[row * width + v] = load(BEGIN(row, v));
  accumulateTile(rows, strips, vectors, z, zStride, depth, weights, stripStride, ahead, sum);
  EACH(row, 0, rows) EACH(v, 0, width) store(sums + row * sumsWidth + v * WIDTH, sum[row * width + v]);
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
TILE(7, 1, 1) TILE(8, 1, 1) TILE(9, 1, 1) TILE(10, 1, 1) TILE(11, 1, 1) TILE(12, 1, 1)
static Tile *const tallTiles[tallTileRows - maximumTileRows] = {
  tile_7_1_1, tile_8_1_1, tile_9_1_1, tile_10_1_1, tile_11_1_1, tile_12_1_1};
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

#if WIDTH == 16
#define PAIR_PARAMETERS                                                                            \
  const float *z, ptrdiff_t depth, const float *first, const float *second, float *firstSums, float *secondSums
typedef void PairTile(PAIR_PARAMETERS);

/// One row times two panels, each of one strip: twice the chains of a tile, and each in its own order as before.
INLINE void pairBody(const int one, const int two, PAIR_PARAMETERS) {
  Vector sum[8];
  EACH(v, 0, one) sum[v] = load(firstSums + v * WIDTH);
  EACH(v, 0, two) sum[one + v] = load(secondSums + v * WIDTH);
  for (ptrdiff_t k = 0; k < depth; k++) {
    const Vector value = broadcast(z[k]);
    EACH(v, 0, one) sum[v] = fma(value, load(first + (k * one + v) * WIDTH), sum[v]);
    EACH(v, 0, two) sum[one + v] = fma(value, load(second + (k * two + v) * WIDTH), sum[one + v]);
  }
  EACH(v, 0, one) store(firstSums + v * WIDTH, sum[v]);
  EACH(v, 0, two) store(secondSums + v * WIDTH, sum[one + v]);
}

#define PAIR(one, two)                                                                \
  static void pair_##one##_##two(PAIR_PARAMETERS) {                                   \
    pairBody(one, two, z, depth, first, second, firstSums, secondSums);               \
  }
PAIR(3, 1) PAIR(3, 2) PAIR(3, 3) PAIR(4, 1) PAIR(4, 2) PAIR(4, 3) PAIR(4, 4)
static PairTile *const pairTiles[2][4] = {{pair_3_1, pair_3_2, pair_3_3}, {pair_4_1, pair_4_2, pair_4_3, pair_4_4}};
#endif
