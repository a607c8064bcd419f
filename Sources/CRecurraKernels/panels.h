// Panels: which columns lie together in the packed weights, and in which order their sums lie in scratch.
//
// A forward panel holds `panelUnits` units with all their gates, gate by gate. The GRU's sums are nx z r nh, so that
// the inputs see the window nx z r and the units the window z r nh. A transposed panel holds 64 columns of U^T
// (backward) or W^T (the gradient of the inputs).

/// Vectors of a strip: a panel's columns are cut into strips (the last may be narrower), each [depth][strip width].
#define STRIP (RECURRA_REGISTERS == 32 ? 4 : 2)

enum Cell { RNN, LSTM, GRU };

enum { sumsWidth = 64, backwardPanelUnits = 64, rowsPerBlock = 64 };

INLINE ptrdiff_t gateCount(enum Cell cell) { return cell == RNN ? 1 : cell == LSTM ? 4 : 3; }
INLINE ptrdiff_t slotCount(enum Cell cell) { return cell == RNN ? 1 : 4; }
INLINE ptrdiff_t panelUnits(enum Cell cell) { return cell == RNN ? 64 : 16; }

INLINE ptrdiff_t panelCount(ptrdiff_t units, ptrdiff_t unitsPerPanel) {
  return (units + unitsPerPanel - 1) / unitsPerPanel;
}

/// Columns of a panel of `units` units, padded to whole vectors; only the last panel needs padding.
INLINE ptrdiff_t panelFloats(enum Cell cell, ptrdiff_t units) { return roundUp(gateCount(cell) * units, WIDTH); }

INLINE size_t packedForwardSize(enum Cell cell, ptrdiff_t inputs, ptrdiff_t units) {
  ptrdiff_t full = units / panelUnits(cell), rest = units % panelUnits(cell);
  ptrdiff_t floats = full * panelFloats(cell, panelUnits(cell)) + (rest ? panelFloats(cell, rest) : 0);
  return (size_t)(floats * (inputs + units));
}

/// Floats of the transpose of `rows` rows of weights.
INLINE size_t packedTransposeSize(enum Cell cell, ptrdiff_t rows, ptrdiff_t units) {
  return (size_t)(roundUp(rows, WIDTH) * gateCount(cell) * units);
}

INLINE const float *forwardPanel(enum Cell cell, const float *packed, ptrdiff_t panel, ptrdiff_t depth) {
  return packed + panel * panelFloats(cell, panelUnits(cell)) * depth;
}

/// The slot at a position of scratch.
INLINE ptrdiff_t slotAt(enum Cell cell, ptrdiff_t position) {
  return cell == GRU ? (position < 3 ? (position + 2) % 3 : 3) : position;
}

/// The gate at a position of a row of packed weights.
INLINE ptrdiff_t gateAt(enum Cell cell, ptrdiff_t position, int isInput) {
  return cell == GRU && isInput ? (position + 2) % 3 : position;
}

INLINE void packForward(
  enum Cell cell, ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin,
  ptrdiff_t panelEnd
) {
  const ptrdiff_t depth = inputs + units, gates = gateCount(cell);
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t first = panel * panelUnits(cell);
    const ptrdiff_t count = smaller(panelUnits(cell), units - first);
    const ptrdiff_t floats = panelFloats(cell, count);
    float *to = packed + (forwardPanel(cell, packed, panel, depth) - packed);
    for (ptrdiff_t k = 0; k < depth; k++) {
      float row[sumsWidth + WIDTH];
      for (ptrdiff_t position = 0; position < gates; position++) {
        const float *from = weights + (k * gates + gateAt(cell, position, k < inputs)) * units + first;
        memcpy(row + position * count, from, (size_t)count * sizeof(float));
      }
      memset(row + gates * count, 0, (size_t)(floats - gates * count) * sizeof(float));
      for (ptrdiff_t column = 0; column < floats; column += STRIP * WIDTH) {
        ptrdiff_t width = smaller(STRIP * WIDTH, floats - column);
        memcpy(to + column * depth + k * width, row + column, (size_t)width * sizeof(float));
      }
    }
  }
}

#if WIDTH == 16
#define ZIP_LOW(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif WIDTH == 8
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/// Transposes a square of vectors: zipping the halves log2(WIDTH) times swaps the bits of row and lane.
INLINE void transposeSquare(Vector *square) {
  EACH(stage, 0, WIDTH == 16 ? 4 : WIDTH == 8 ? 3 : 2) {
    Vector zipped[WIDTH];
    EACH(pair, 0, WIDTH / 2) {
      zipped[2 * pair] = ZIP_LOW(square[pair], square[pair + WIDTH / 2]);
      zipped[2 * pair + 1] = ZIP_HIGH(square[pair], square[pair + WIDTH / 2]);
    }
    EACH(row, 0, WIDTH) square[row] = zipped[row];
  }
}

/// Transposes at most a square, `rows` by `columns`; rows that are missing become zeros.
INLINE void packSquare(
  const float *from, ptrdiff_t fromStride, ptrdiff_t rows, ptrdiff_t columns, float *to, ptrdiff_t toStride
) {
  Vector square[WIDTH];
  if (rows == WIDTH && columns == WIDTH) {
    EACH(row, 0, WIDTH) square[row] = load(from + row * fromStride);
    transposeSquare(square);
    EACH(column, 0, WIDTH) store(to + column * toStride, square[column]);
  } else {
    EACH(row, 0, WIDTH) square[row] = row < rows ? loadLanes(from + row * fromStride, columns) : broadcast(0);
    transposeSquare(square);
    EACH(column, 0, WIDTH) {
      if (column < columns) store(to + column * toStride, square[column]);
    }
  }
}

/// Packs the transpose of `rows` rows of weights: those of W for the gradient of the inputs, of U for that of h.
INLINE void packTranspose(
  enum Cell cell, ptrdiff_t rows, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin,
  ptrdiff_t panelEnd
) {
  const ptrdiff_t depth = gateCount(cell) * units;
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t first = panel * backwardPanelUnits;
    const ptrdiff_t count = smaller(backwardPanelUnits, rows - first);
    const ptrdiff_t floats = roundUp(count, WIDTH);
    for (ptrdiff_t column = 0; column < floats; column += STRIP * WIDTH) {
      const ptrdiff_t width = smaller(STRIP * WIDTH, floats - column);
      const ptrdiff_t used = smaller(width, count - column);
      float *strip = packed + (first + column) * depth;
      const float *from = weights + (first + column) * depth;
      for (ptrdiff_t begin = 0; begin < depth; begin += WIDTH)
        for (ptrdiff_t lane = 0; lane < width; lane += WIDTH)
          packSquare(
            from + lane * depth + begin, depth, smaller(WIDTH, used - lane), smaller(WIDTH, depth - begin),
            strip + begin * width + lane, width);
    }
  }
}
