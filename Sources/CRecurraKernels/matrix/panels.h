// Panels: which columns lie together in the packed weights, and in which order their sums lie in scratch.
//
// A forward panel holds `panelUnits` units with all their gates, gate by gate. The GRU's sums are nx z r nh, so that
// the inputs see the window nx z r and the units the window z r nh. A transposed panel holds 64 columns of U^T
// (backward) or W^T (the gradient of the inputs).

enum Cell { RNN, LSTM, GRU };

enum { sumsWidth = 64, backwardPanelUnits = 64, rowsPerBlock = 64 };

/// Floats of scratch for the sums of a block of rows; the last slots of the last row are loaded as whole vectors.
INLINE ptrdiff_t sumsFloats(ptrdiff_t rows) { return smaller(rows, rowsPerBlock) * sumsWidth + 4 * WIDTH; }

INLINE ptrdiff_t gateCount(enum Cell cell) { return cell == RNN ? 1 : cell == LSTM ? 4 : 3; }
INLINE ptrdiff_t slotCount(enum Cell cell) { return cell == RNN ? 1 : 4; }
INLINE ptrdiff_t panelUnits(enum Cell cell) { return cell == RNN ? 64 : 16; }

INLINE ptrdiff_t panelCount(ptrdiff_t units, ptrdiff_t unitsPerPanel) {
  return (units + unitsPerPanel - 1) / unitsPerPanel;
}

/// Columns of a panel of `units` units, padded to whole vectors; only the last panel needs padding.
INLINE ptrdiff_t panelFloats(enum Cell cell, ptrdiff_t units) { return roundUp(gateCount(cell) * units, WIDTH); }

/// Floats of all forward panels; each is [depth of the inputs, then of the units][columns].
INLINE size_t packedForwardSize(enum Cell cell, ptrdiff_t inputs, ptrdiff_t units) {
  const ptrdiff_t full = units / panelUnits(cell), rest = units % panelUnits(cell);
  const ptrdiff_t floats = full * panelFloats(cell, panelUnits(cell)) + (rest ? panelFloats(cell, rest) : 0);
  return (size_t)(floats * (inputs + units));
}

/// Where a forward panel begins.
INLINE ptrdiff_t forwardPanel(enum Cell cell, ptrdiff_t panel, ptrdiff_t inputs, ptrdiff_t units) {
  return panel * panelFloats(cell, panelUnits(cell)) * (inputs + units);
}

/// Floats of the transpose of `rows` rows of weights, whose depth are the gates' columns.
INLINE size_t packedTransposeSize(enum Cell cell, ptrdiff_t rows, ptrdiff_t units) {
  return (size_t)(roundUp(rows, WIDTH) * gateCount(cell) * units);
}

/// The slot at a position of scratch.
INLINE ptrdiff_t slotAt(enum Cell cell, ptrdiff_t position) {
  return cell == GRU ? (position < 3 ? (position + 2) % 3 : 3) : position;
}

/// The gate at a position of a row of packed weights.
INLINE ptrdiff_t gateAt(enum Cell cell, ptrdiff_t position, int isInput) {
  return cell == GRU && isInput ? (position + 2) % 3 : position;
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
