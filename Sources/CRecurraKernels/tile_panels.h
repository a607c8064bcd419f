// Weights as the matrix unit reads them: three parts of each, in tiles.
//
// A float is the sum of three bfloat16, each rounded to nearest from what the ones before it leave: 24 bits in three
// times 8. Of the nine products of two such sums, six are computed; the others are at most 2^-24 of the whole, 2^-27.5
// on average, where rounding a float loses up to 2^-24. Sums run in float32, 32 products at a time. What is infinite,
// or nearly, has no such parts: rows of a left operand go another way, weights make NaN of it.
//
// A tile is 16 lines of 64 bytes. A line of weights holds two depths of 16 columns, k and k + 16, as words; a line of a
// left operand holds 32 depths of a row, again k and k + 16 as one word. Columns go by pairs of tiles: a panel is, pair
// by pair, [step of depth][part][tile], of which the last may be one tile alone.

enum { parts = 3, tileLines = 16, tileBytes = 1024, tileFloats = tileBytes / 4 };

typedef uint32_t Words __attribute__((ext_vector_type(16)));
typedef uint32_t UnalignedWords __attribute__((ext_vector_type(16), aligned(4)));

INLINE void storeWords(char *to, Words words) { *(UnalignedWords *)to = words; }

/// The three parts of two vectors, part by part: the first's in the lower halves of the words.
INLINE void splitPair(Vector low, Vector high, Words *part) {
  EACH(p, 0, parts) {
    // What is left for the last part fits it.
    const uint32_t half = p + 1 < parts ? 0x8000 : 0;
    const Words lowPart = ((Words)low + half) & 0xffff0000u, highPart = ((Words)high + half) & 0xffff0000u;
    part[p] = highPart | lowPart >> 16;
    low -= (Vector)lowPart;
    high -= (Vector)highPart;
  }
}

/// Whether a float is so large, or no number, that its parts don't add up to it.
INLINE Words unfit(Vector value) { return (Words)((((Words)value) & 0x7fffffffu) >= 0x7f7f8000u); }

/// A part of `count` floats from `begin` on, which may end anywhere; zeros behind them.
INLINE Vector loadRest(const float *from, ptrdiff_t begin, ptrdiff_t count) {
  return begin >= count ? broadcast(0) : loadLanes(from + begin, smaller(WIDTH, count - begin));
}

/// Where a tile of weights lies in a panel of `steps` steps of depth: its first part; the others follow by
/// `tileStride`.
INLINE ptrdiff_t tileOffset(ptrdiff_t tiles, ptrdiff_t tile, ptrdiff_t steps, ptrdiff_t step, ptrdiff_t *tileStride) {
  const ptrdiff_t together = smaller(2, tiles - tile / 2 * 2);
  *tileStride = together * tileBytes;
  return (tile / 2 * 2 * steps + step * together) * parts * tileBytes + tile % 2 * tileBytes;
}

INLINE void packForward(
  enum Cell cell, ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin,
  ptrdiff_t panelEnd
) {
  const ptrdiff_t gates = gateCount(cell), ofInputs = packedDepth(inputs) / depthStep;
  const ptrdiff_t steps = ofInputs + packedDepth(units) / depthStep;
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t first = panel * panelUnits(cell), count = smaller(panelUnits(cell), units - first);
    const ptrdiff_t tiles = panelFloats(cell, count) / WIDTH;
    char *to = (char *)(packed + forwardPanel(cell, panel, inputs, units));
    for (ptrdiff_t step = 0; step < steps; step++) {
      const int isInput = step < ofInputs;
      const ptrdiff_t depth = (isInput ? step : step - ofInputs) * depthStep, rest = (isInput ? inputs : units) - depth;
      for (ptrdiff_t line = 0; line < tileLines; line++) {
        float pair[2][sumsWidth + WIDTH] = {{0}};
        for (ptrdiff_t half = 0; half < 2; half++) {
          const ptrdiff_t k = line + half * tileLines;
          if (k >= rest) continue;
          const float *row = weights + ((isInput ? 0 : inputs) + depth + k) * gates * units + first;
          for (ptrdiff_t position = 0; position < gates; position++)
            memcpy(
              pair[half] + position * count, row + gateAt(cell, position, isInput) * units,
              (size_t)count * sizeof(float));
        }
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
          Words part[parts];
          splitPair(load(pair[0] + tile * WIDTH), load(pair[1] + tile * WIDTH), part);
          ptrdiff_t stride;
          char *at = to + tileOffset(tiles, tile, steps, step, &stride) + line * 64;
          EACH(p, 0, parts) storeWords(at + p * stride, part[p]);
        }
      }
    }
  }
}

/// Turns the parts of 16 lines of words on their sides, and stores each as a tile.
INLINE void storeTransposed(Vector square[parts][WIDTH], char *to, ptrdiff_t partStride) {
  EACH(p, 0, parts) {
    transposeSquare(square[p]);
    EACH(line, 0, tileLines) storeWords(to + p * partStride + line * 64, (Words)square[p][line]);
  }
}

/// Splits 16 rows by a step of depth, of which `rows` and `depth` are there, and turns them on their side: each line of
/// a part's tile then holds two depths of 16 rows.
INLINE void splitTransposed(
  const float *from, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t depth, char *to, ptrdiff_t partStride
) {
  Vector square[parts][WIDTH];
  EACH(row, 0, WIDTH) {
    Words part[parts] = {0};
    if (row < rows) {
      const float *line = from + row * stride;
      splitPair(loadRest(line, 0, depth), loadRest(line, WIDTH, depth), part);
    }
    EACH(p, 0, parts) square[p][row] = (Vector)part[p];
  }
  storeTransposed(square, to, partStride);
}

/// Packs the transpose of `rows` rows of weights: those of W for the gradient of the inputs, of U for that of h.
INLINE void packTranspose(
  enum Cell cell, ptrdiff_t rows, ptrdiff_t units, int ofStates, const float *weights, float *packed,
  ptrdiff_t panelBegin, ptrdiff_t panelEnd
) {
  const ptrdiff_t columns = gateCount(cell) * units, together = cell == GRU && ofStates ? 2 * units : columns;
  const ptrdiff_t depth = transposeDepth(cell, units, ofStates), steps = depth / depthStep;
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t first = panel * backwardPanelUnits, count = smaller(backwardPanelUnits, rows - first);
    const ptrdiff_t tiles = (count + WIDTH - 1) / WIDTH;
    char *to = (char *)(packed + packedFloats(first, depth));
    for (ptrdiff_t tile = 0; tile < tiles; tile++)
      for (ptrdiff_t step = 0; step < steps; step++) {
        const ptrdiff_t ofFirst = packedDepth(together) / depthStep;
        const ptrdiff_t begin = step < ofFirst ? step * depthStep : together + (step - ofFirst) * depthStep;
        const ptrdiff_t end = step < ofFirst ? together : columns;
        ptrdiff_t stride;
        char *at = to + tileOffset(tiles, tile, steps, step, &stride);
        splitTransposed(
          weights + (first + tile * WIDTH) * columns + begin, columns, smaller(WIDTH, count - tile * WIDTH),
          smaller(depthStep, end - begin), at, stride);
      }
  }
}
