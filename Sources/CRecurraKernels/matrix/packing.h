// Weights as the vector kernels read them: columns of a panel cut into strips, one depth behind the other.

/// Vectors of a strip: a panel's columns are cut into strips (the last may be narrower), each [depth][strip width].
#define STRIP (RECURRA_REGISTERS == 32 ? 4 : 2)

/// Rows of weights that are fetched ahead: they lie too far apart for the core's own prefetcher.
enum { packingAhead = 4 };

/// Lays the weights of `count` units down as a panel; `weights` and `to` begin with them. Of `depth` rows the first
/// `inputs` belong to the first operand.
INLINE void packPanel(
  const Columns columns, const ptrdiff_t count, ptrdiff_t inputs, ptrdiff_t depth, ptrdiff_t units,
  const float *weights, float *to
) {
  const ptrdiff_t stride = columns.groups * units, floats = panelFloats(columns, count);
  // The last vector of a group may reach into the next, which comes later; behind the last there are zeros.
  float row[sumsWidth + WIDTH] = {0};
  for (ptrdiff_t k = 0; k < depth; k++) {
    for (ptrdiff_t position = 0; position < columns.groups; position++) {
      const float *group = weights + k * stride + groupAt(columns, position, k < inputs) * units;
      if (k + packingAhead < depth) fetch(group + packingAhead * stride, 0, 1, count, 0);
#define GATHER(index, lanes) store(row + position * count + index, loadLanes(group + index, lanes))
      FOR_LANES(index, count, GATHER);
#undef GATHER
    }
    for (ptrdiff_t column = 0; column < floats; column += WIDTH) {
      const ptrdiff_t strip = column / (STRIP * WIDTH) * STRIP * WIDTH, width = smaller(STRIP * WIDTH, floats - strip);
      store(to + strip * depth + k * width + column - strip, load(row + column));
    }
  }
}

INLINE void packColumns(
  const Columns columns, ptrdiff_t inputs, ptrdiff_t depth, ptrdiff_t units, const float *weights, float *packed,
  ptrdiff_t panelBegin, ptrdiff_t panelEnd
) {
  const ptrdiff_t full = columns.panelUnits;
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t count = smaller(full, units - panel * full);
    const float *from = weights + panel * full;
    float *to = packed + panelStart(columns, panel, depth);
    if (count == full)
      packPanel(columns, full, inputs, depth, units, from, to);
    else
      packPanel(columns, count, inputs, depth, units, from, to);
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

/// Packs the transpose of `rows` rows of weights.
INLINE void packTranspose(
  const Columns columns, ptrdiff_t rows, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin,
  ptrdiff_t panelEnd
) {
  const ptrdiff_t depth = columns.groups * units;
  for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
    const ptrdiff_t first = panel * transposedWidth;
    const ptrdiff_t count = smaller(transposedWidth, rows - first);
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
