// Weights as the vector kernels read them: columns of a panel cut into strips, one depth behind the other.

/// Vectors of a strip: a panel's columns are cut into strips (the last may be narrower), each [depth][strip width].
#define STRIP (RECURRA_REGISTERS == 32 ? 4 : 2)

/// Rows of weights that are asked for ahead: they lie too far apart for the core's own prefetcher.
enum { packingAhead = 4 };

/// Lays the weights of `count` units down as a panel; `weights` and `to` begin with them.
INLINE void packPanel(
  enum Cell cell, const ptrdiff_t count, ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *to
) {
  const ptrdiff_t depth = inputs + units, stride = gateCount(cell) * units, floats = panelFloats(cell, count);
  // The last vector of a gate may reach into the next, which comes later; behind the last there are zeros.
  float row[sumsWidth + WIDTH] = {0};
  for (ptrdiff_t k = 0; k < depth; k++) {
    for (ptrdiff_t position = 0; position < gateCount(cell); position++) {
      const float *gate = weights + k * stride + gateAt(cell, position, k < inputs) * units;
      if (k + packingAhead < depth) fetch(gate + packingAhead * stride, 0, 1, count, 0);
#define GATHER(index, lanes) store(row + position * count + index, loadLanes(gate + index, lanes))
      FOR_LANES(index, count, GATHER);
#undef GATHER
    }
    for (ptrdiff_t column = 0; column < floats; column += WIDTH) {
      const ptrdiff_t strip = column / (STRIP * WIDTH) * STRIP * WIDTH, width = smaller(STRIP * WIDTH, floats - strip);
      store(to + strip * depth + k * width + column - strip, load(row + column));
    }
  }
}

INLINE void packForward(
  enum Cell cell, ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin,
  ptrdiff_t panelEnd
) {
  const ptrdiff_t full = panelUnits(cell);
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t count = smaller(full, units - panel * full);
    float *to = packed + forwardPanel(cell, panel, inputs, units);
    if (count == full)
      packPanel(cell, full, inputs, units, weights + panel * full, to);
    else
      packPanel(cell, count, inputs, units, weights + panel * full, to);
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
