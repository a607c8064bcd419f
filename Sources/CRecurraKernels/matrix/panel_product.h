// sums += z * packed weights: a panel, tile by tile, and what is fetched meanwhile.

/// Depth of a panel's stretch: 128 KiB, a part of the core's own cache.
enum { stretchDepth = 512 };

/// A left operand: [rows][depth], for rows [first, first + depth) of a panel, whose sums begin at a column.
typedef struct {
  const float *z;
  ptrdiff_t stride, depth, first, column;
} Operand;

/// What an operand is without its first columns.
INLINE Operand operandFrom(ptrdiff_t column, const Operand *whole) {
  return (Operand){
    whole->z + column, whole->stride, whole->depth - column, whole->first + column, whole->column};
}

/// A panel of packed weights, and the one that comes after it.
typedef struct {
  const float *weights, *next;
  ptrdiff_t depth, floats;
  /// Where all of the step's weights are.
  enum Distance distance;
} Panel;

/// A panel of some columns, and the one after it.
INLINE Panel panelOf(
  ptrdiff_t columns, const float *weights, const float *next, ptrdiff_t depth, enum Distance distance
) {
  return (Panel){weights, next, depth, roundUp(columns, WIDTH), distance};
}

/// What tile `block` of `blocks` of a strip fetches: its part of the weights that come next.
///
/// All tiles take part, for memory has a pace of its own: fetched by the first alone, weights of 12 rows x 1,024 units
/// take a fifth longer. A block that has but one tile to a strip meets the weights as they stream by; from the shared
/// cache the core's own prefetcher brings them in time, and narrow tiles have no instruction to spare.
static __attribute__((noinline)) Ahead aheadOf(
  const Panel *panel, ptrdiff_t width, ptrdiff_t depth, ptrdiff_t block, ptrdiff_t blocks, const float *weights
) {
  const ptrdiff_t groups = depth / groupDepth, wanted = width * groupDepth / lineFloats;
  if (panel->distance == farAway || (panel->distance == sharedCache && (blocks > 1 || STRIP > 2))) {
    const int lines = blocks >= wanted ? 1 : 2 * blocks >= wanted ? 2 : 4;
    if (block * lines < wanted) return (Ahead){weights + block * groups * lines * lineFloats, lines};
  }
  return (Ahead){NULL, 0};
}

/// The tile for so many rows and vectors.
INLINE Tile *tileOf(ptrdiff_t rows, ptrdiff_t vectors) {
  return rows > maximumTileRows ? tallTiles[rows - maximumTileRows - 1] : tiles[vectors - 1][rows - 1];
}

/// Adds depth [begin, end) of an operand times a panel to the sums of tile `block` of `blocks`.
///
/// Meanwhile it fetches weights: those of each strip from depth `nextDepth` of the next panel on, or where that is
/// negative, those behind the ones at hand.
INLINE void accumulate(
  ptrdiff_t rows, const Operand *operand, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end, const Panel *panel,
  const TileStart *start, float *sums, ptrdiff_t block, ptrdiff_t blocks, ptrdiff_t nextDepth
) {
  const ptrdiff_t stripFloats = STRIP * WIDTH, stripStride = stripFloats * panel->depth, depth = end - begin;
  const ptrdiff_t firstDepth = operand->first + begin;
  const float *z = operand->z + row * operand->stride + begin;
  ptrdiff_t column = 0;
  sums += operand->column;
  TileStart own;
  if (!start || !start->row[0]) {
    beginInSums(rows, sums, &own);
    start = &own;
  }
#define FIRST_COLUMN (column / slotColumns * start->slot + column % slotColumns)
  if (rows <= 3)
    for (ptrdiff_t strips; (strips = smaller((panel->floats - column) / stripFloats, rows == 1 ? 4 : 2)) > 1;) {
      const float *weights = panel->weights + column * panel->depth + firstDepth * stripFloats;
      groupTiles[rows - 1][strips - 1](
        z, operand->stride, depth, weights, stripStride, start, FIRST_COLUMN, sums + column, (Ahead){NULL, 0});
      column += strips * stripFloats;
    }
  for (; column < panel->floats; column += stripFloats) {
    const ptrdiff_t width = smaller(stripFloats, panel->floats - column);
    const float *weights = panel->weights + column * panel->depth + firstDepth * width;
    const float *next =
      nextDepth < 0 ? weights + depth * width : panel->next + column * panel->depth + nextDepth * width;
    // With few rows the weights stream by anyway.
    Ahead ahead = {NULL, 0};
    if (rows > 3 && panel->distance != ownCache) ahead = aheadOf(panel, width, depth, block, blocks, next);
    tileOf(rows, width / WIDTH)(
      z, operand->stride, depth, weights, 0, start, FIRST_COLUMN, sums + column, ahead);
  }
#undef FIRST_COLUMN
}

/// The most rows of a panel's tiles.
INLINE uint32_t mostTileRows(const Panel *panel) {
  return panel->floats == WIDTH ? tallTileRows : maximumTileRows;
}

/// Whether tiles may begin elsewhere than in their sums: where a strip has whole slots.
enum { startsAnywhere = STRIP * WIDTH % slotColumns == 0 };

/// Multiplies at most rowsPerBlock rows by a panel, tile by tile; operands follow each other in one chain of sums.
///
/// A panel that is too deep for the core's own cache is gone through a stretch at a time, so that all tiles find the
/// stretch there. Sums are finished tile by tile, while they are in L1, or `together`: gates of many rows overlap.
INLINE void multiplyPanel(
  ptrdiff_t rows, const int count, const Operand *operands, const Panel *panel, float *sums, const int together,
  PrepareSums *prepare, FinishSums *finish, const void *job
) {
  ptrdiff_t total = 0;
  for (int index = 0; index < count; index++) total += operands[index].depth;
  const int keepsSums = together || total > stretchDepth;
  // Equal shares rather than full tiles and a rest: a tile of one row has too few chains.
  const uint32_t most = mostTileRows(panel);
  const uint32_t blocks = ((uint32_t)rows + most - 1) / most;
  const uint32_t share = (uint32_t)rows / blocks, larger = (uint32_t)rows - share * blocks;
  ptrdiff_t from = 0;
  do {
    const ptrdiff_t to = smaller(from + stretchDepth, total);
    ptrdiff_t row = 0;
    for (uint32_t block = 0; block < blocks; block++) {
      const ptrdiff_t tileRows = share + (block < larger);
      float *tileSums = sums + (keepsSums ? row * sumsWidth : 0);
      TileStart start;
      start.row[0] = NULL, start.slot = slotColumns;
      ptrdiff_t passed = 0;
      for (int index = 0; index < count; index++) {
        const ptrdiff_t begin = from > passed ? from - passed : 0;
        const ptrdiff_t end = smaller(to - passed, operands[index].depth);
        if (from <= passed && (passed < to || to == total))
          prepare(job, index, row, tileRows, tileSums, total > 0 && startsAnywhere ? &start : NULL);
        // Behind the last stretch comes the first of the next panel.
        const ptrdiff_t nextDepth = to < total ? -1 : from > 0 ? operands[0].first : operands[index].first;
        if (begin < end) {
          accumulate(
            tileRows, &operands[index], row, begin, end, panel, &start, tileSums, block, blocks, nextDepth);
          start.row[0] = NULL;
        }
        passed += operands[index].depth;
      }
      if (!together && to == total) finish(job, row, tileRows, tileSums);
      row += tileRows;
    }
    from = to;
  } while (from < total);
  if (together) finish(job, 0, rows, sums);
}
