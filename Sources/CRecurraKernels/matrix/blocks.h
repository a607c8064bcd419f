// What all products have in common: blocks of rows, what is done with their sums, and what is fetched meanwhile.

enum { lineFloats = 16 };

/// Fetches the lines of some rows of a matrix, `columns` floats each.
INLINE void fetch(const float *from, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, const int writes) {
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column += lineFloats) {
      if (writes)
        __builtin_prefetch(from + row * stride + column, 1);
      else
        __builtin_prefetch(from + row * stride + column, 0);
    }
}

/// Rows of a tile; of one that is a single vector wide, which else has too few chains to hide an FMA's latency.
enum { maximumTileRows = 6, tallTileRows = 12, slotColumns = 16 };

/// Where the sums of a tile begin: each row's first columns, and how far on the next slotColumns of them lie.
///
/// A bias, a row that has been looked up, or zeros need not be copied first: by the time that a panel's weights have
/// gone through the first cache, the sums of the panel before have left it, and stores wait for their lines one by one.
typedef struct {
  const float *row[tallTileRows];
  ptrdiff_t slot;
} TileStart;

/// Zeros to begin with.
static const _Alignas(64) float zeroColumns[slotColumns];

INLINE void beginWithZeros(ptrdiff_t rows, TileStart *start) {
  for (ptrdiff_t row = 0; row < rows; row++) start->row[row] = zeroColumns;
  start->slot = 0;
}

/// In place: a start that is returned is copied by whole vectors, which wait for its pointers one by one.
INLINE void beginInSums(ptrdiff_t rows, const float *sums, TileStart *start) {
  for (ptrdiff_t row = 0; row < rows; row++) start->row[row] = sums + row * sumsWidth;
  start->slot = slotColumns;
}

/// What is done with the sums of some rows: `prepare` sets those of an operand before its product or, where there is a
/// start to be written, may say where else they begin; `finish` uses them.
typedef void PrepareSums(
  const void *job, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums, TileStart *start);
typedef void FinishSums(const void *job, ptrdiff_t row, ptrdiff_t rows, float *sums);

/// Where the weights of a step lie when the next step reads them.
enum Distance { ownCache, sharedCache, farAway };

INLINE enum Distance distanceOf(size_t floats) {
  const size_t bytes = floats * sizeof(float);
  const RecurraDistances near = recurra_distances_in_force;
  return bytes <= near.own ? ownCache : bytes <= near.shared ? sharedCache : farAway;
}

/// The blocks of a step's rows that go through the panels one after the other.
///
/// A block's sums should leave room in the first cache for panels that come from the core's own; panels that come from
/// afar should come seldom.
INLINE ptrdiff_t rowBlocks(ptrdiff_t rows, enum Distance weights) {
  const ptrdiff_t most = weights == ownCache ? rowsPerBlock * 3 / 4 : rowsPerBlock;
  return (rows + most - 1) / most;
}
