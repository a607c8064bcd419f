// The gradient of the weights, left^T * right, by the matrix unit.
//
// Left is packed on its side, 16 columns to a panel; right is split strip by strip into this thread's own cache, and
// its column sums fall off on the way.

/// Tiles of columns that a strip of right has.
enum { stripTiles = 4 };

static size_t packedLeftSize(ptrdiff_t inputs, ptrdiff_t units, ptrdiff_t depth) {
  const ptrdiff_t steps = packedDepth(depth) / depthStep;
  return (size_t)(leftPanels(inputs, units) * steps * parts * tileFloats);
}

/// Packs a panel of at most gradientDepth rows, [step of depth][part]: a line of a tile is a column.
INLINE void packLeftPanel(const float *left, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t depth, char *to) {
  for (ptrdiff_t begin = 0; begin < depth; begin += depthStep, to += parts * tileBytes) {
    Vector square[parts][WIDTH];
    EACH(line, 0, tileLines) {
      const float *row = left + (begin + line) * stride;
      const Vector low = begin + line < depth ? loadLanes(row, columns) : broadcast(0);
      const Vector high =
        begin + line + tileLines < depth ? loadLanes(row + tileLines * stride, columns) : broadcast(0);
      Words part[parts];
      splitPair(low, high, part);
      EACH(p, 0, parts) square[p][line] = (Vector)part[p];
    }
    storeTransposed(square, to, tileBytes);
  }
}

static void packLeft(
  ptrdiff_t inputs, ptrdiff_t units, ptrdiff_t depth, const float *left, ptrdiff_t leftStride, float *packed
) {
  const ptrdiff_t panels = leftPanels(inputs, units), bytes = packedDepth(depth) / depthStep * parts * tileBytes;
  for (ptrdiff_t panel = 0; panel < panels; panel++) {
    const ptrdiff_t column = leftPanelColumn(panel, inputs, units);
    const ptrdiff_t width = leftPanelColumn(panel + 1, inputs, units) - column;
    packLeftPanel(left + column, leftStride, width, depth, (char *)packed + panel * bytes);
  }
}

/// Splits a strip of right, [pair of tiles][step][part][tile], and adds up its columns.
INLINE void splitRight(
  const float *right, ptrdiff_t stride, ptrdiff_t depth, ptrdiff_t columns, char *strip, Vector *sums
) {
  enum { ahead = 16 };
  const ptrdiff_t steps = packedDepth(depth) / depthStep, tiles = (columns + WIDTH - 1) / WIDTH;
  EACH(tile, 0, stripTiles) sums[tile] = broadcast(0);
  for (ptrdiff_t step = 0; step < steps; step++)
    for (ptrdiff_t line = 0; line < tileLines; line++) {
      const ptrdiff_t k = step * depthStep + line;
      const float *row = right + k * stride;
      for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        const ptrdiff_t lanes = smaller(WIDTH, columns - tile * WIDTH);
        // Rows lie far apart, too far for the core's own prefetcher.
        __builtin_prefetch(row + (tileLines + ahead) * stride + tile * WIDTH);
        const Vector low = k < depth ? loadLanes(row + tile * WIDTH, lanes) : broadcast(0);
        const Vector high =
          k + tileLines < depth ? loadLanes(row + tileLines * stride + tile * WIDTH, lanes) : broadcast(0);
        Words part[parts];
        splitPair(low, high, part);
        sums[tile] += low + high;
        ptrdiff_t partStride;
        char *at = strip + tileOffset(tiles, tile, steps, step, &partStride) + line * 64;
        EACH(p, 0, parts) storeWords(at + p * partStride, part[p]);
      }
    }
}

/// Puts or adds some rows of a tile's sums.
INLINE void putSums(
  const float *sums, ptrdiff_t rows, ptrdiff_t columns, float *out, ptrdiff_t outStride, int adds
) {
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column += WIDTH) {
      const Vector sum = load(sums + row * sumsWidth + column);
      putLanes(out + row * outStride + column, sum, smaller(WIDTH, columns - column), adds);
    }
}

/// Floats of the sums of two panels, and of a strip of right.
enum { gradientSums = 2 * tileLines * sumsWidth };
INLINE ptrdiff_t stripFloats(ptrdiff_t depth) {
  return stripTiles * packedDepth(smaller(depth, gradientDepth)) / depthStep * parts * tileFloats;
}

static size_t gradientScratchSize(ptrdiff_t depth, ptrdiff_t panels) {
  (void)panels;
  return (size_t)(gradientSums + stripFloats(depth));
}

static void weightGradient(const RecurraWeightGradient *job) {
  float *const sums = job->scratch;
  char *const strip = (char *)(sums + gradientSums);
  const ptrdiff_t inputs = job->inputs, units = job->units;
  for (ptrdiff_t column = 0; column < job->columns; column += stripTiles * WIDTH) {
    const ptrdiff_t columns = smaller(stripTiles * WIDTH, job->columns - column);
    for (ptrdiff_t first = 0; first < job->depth; first += gradientDepth) {
      const ptrdiff_t depth = smaller(gradientDepth, job->depth - first), steps = packedDepth(depth) / depthStep;
      const ptrdiff_t panelBytes = steps * parts * tileBytes;
      const int adds = job->adds || first > 0;
      Vector biases[stripTiles];
      splitRight(job->right + first * job->rightStride + column, job->rightStride, depth, columns, strip, biases);
      if (job->bias)
        for (ptrdiff_t begin = 0; begin < columns; begin += WIDTH)
          putLanes(job->bias + column + begin, biases[begin / WIDTH], smaller(WIDTH, columns - begin), adds);
      const size_t blockFloats = packedLeftSize(inputs, units, gradientDepth);
      const char *packed = (const char *)(job->packedLeft + (size_t)(first / gradientDepth) * blockFloats);
      configureTiles(tileLines);
      for (ptrdiff_t panel = job->panelBegin; panel < job->panelEnd; panel += 2) {
        const ptrdiff_t count = smaller(2, job->panelEnd - panel);
        memset(sums, 0, gradientSums * sizeof *sums);
        const Operand operand = {.depth = depth, .parts = packed + panel * panelBytes, .blockBytes = panelBytes};
        const Panel right = panelOf(columns, (const float *)strip, NULL, packedDepth(depth), NULL, 0);
        accumulateTiles(count * tileLines, &operand, &right, sums);
        for (ptrdiff_t index = 0; index < count; index++) {
          const ptrdiff_t row = leftPanelColumn(panel + index, inputs, units);
          const ptrdiff_t rows = leftPanelColumn(panel + index + 1, inputs, units) - row;
          putSums(
            sums + index * tileLines * sumsWidth, rows, columns, job->out + row * job->outStride + column,
            job->outStride, adds);
        }
      }
      _tile_release();
    }
  }
}
