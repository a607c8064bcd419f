// Weights as the vector kernels read them: columns of a panel cut into strips, one depth behind the other.

/// Vectors of a strip: a panel's columns are cut into strips (the last may be narrower), each [depth][strip width].
#define STRIP (RECURRA_REGISTERS == 32 ? 4 : 2)

INLINE void packForward(
  enum Cell cell, ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin,
  ptrdiff_t panelEnd
) {
  const ptrdiff_t depth = inputs + units, gates = gateCount(cell);
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t first = panel * panelUnits(cell);
    const ptrdiff_t count = smaller(panelUnits(cell), units - first);
    const ptrdiff_t floats = panelFloats(cell, count);
    float *to = packed + forwardPanel(cell, panel, inputs, units);
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
  enum Cell cell, ptrdiff_t rows, ptrdiff_t units, int ofStates, const float *weights, float *packed,
  ptrdiff_t panelBegin, ptrdiff_t panelEnd
) {
  (void)ofStates;
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
