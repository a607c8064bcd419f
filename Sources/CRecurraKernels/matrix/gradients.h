// Sums of rows that lie anywhere, and the gradient of the inputs, dgates * W^T.

/// Sums `vectors` of the columns of some rows, and asks for the same columns of rows that come later.
INLINE void sumColumns(
  const int vectors, const float *const *sources, ptrdiff_t count, ptrdiff_t left, ptrdiff_t column, ptrdiff_t lanes,
  float *out
) {
  enum { ahead = 8 };
  Vector sum[4];
  EACH(v, 0, vectors) sum[v] = broadcast(0);
  for (ptrdiff_t index = 0; index < count; index++) {
    if (index + ahead < left)
      EACH(v, 0, vectors)
        if (v * WIDTH % lineFloats == 0) __builtin_prefetch(sources[index + ahead] + column + v * WIDTH);
    EACH(v, 0, vectors) sum[v] += loadLanes(sources[index] + column + v * WIDTH, v == vectors - 1 ? lanes : WIDTH);
  }
  EACH(v, 0, vectors) storeLanes(out + column + v * WIDTH, sum[v], v == vectors - 1 ? lanes : WIDTH);
}

static void sumRows(const RecurraRowSums *job) {
  const ptrdiff_t columns = job->columns, end = job->starts[job->rowEnd];
  for (ptrdiff_t row = job->rowBegin; row < job->rowEnd; row++) {
    const ptrdiff_t first = job->starts[row], count = job->starts[row + 1] - first;
    const float *const *sources = job->sources + first;
    float *out = job->out + row * job->outStride;
    ptrdiff_t column = 0;
    for (; column + 4 * WIDTH <= columns; column += 4 * WIDTH)
      sumColumns(4, sources, count, end - first, column, WIDTH, out);
    const ptrdiff_t rest = columns - column, vectors = (rest + WIDTH - 1) / WIDTH, lanes = rest - (vectors - 1) * WIDTH;
    switch (vectors) {
    case 4: sumColumns(4, sources, count, end - first, column, lanes, out); break;
    case 3: sumColumns(3, sources, count, end - first, column, lanes, out); break;
    case 2: sumColumns(2, sources, count, end - first, column, lanes, out); break;
    case 1: sumColumns(1, sources, count, end - first, column, lanes, out);
    }
  }
}

static void addRows(const RecurraRowAdditions *job) {
  for (ptrdiff_t row = 0; row < job->rows; row++) {
    const float *from = job->from + row * job->fromStride;
    float *to = job->out + job->places[row] * job->outStride;
#define ADD(column, lanes) \
  storeLanes(to + column, loadLanes(to + column, lanes) + loadLanes(from + column, lanes), lanes)
    FOR_LANES(column, job->columns, ADD);
#undef ADD
  }
}

/// A panel of the inputs for the rows from `first` on.
typedef struct {
  const RecurraInputGradient *gradient;
  ptrdiff_t first, column, count;
} InputPanel;

/// Where a row's gradient goes.
INLINE float *inputTarget(const InputPanel *panel, ptrdiff_t row) {
  const RecurraInputGradient *job = panel->gradient;
  const ptrdiff_t n = panel->first + row;
  return job->out + n / job->rowsPerStep * job->stepStride + n % job->rowsPerStep * job->rowStride + panel->column;
}

static void prepareInputs(
  const void *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums, TileStart *start
) {
  (void)operand;
  const InputPanel *own = panel;
  // Rows lie far apart: their lines come while the product is computed.
  for (ptrdiff_t index = 0; index < rows; index++) fetch(inputTarget(own, row + index), 0, 1, own->count, 1);
  if (start)
    beginWithZeros(rows, start);
  else
    for (ptrdiff_t index = 0; index < rows * sumsWidth; index += WIDTH) store(sums + index, broadcast(0));
}

static void finishInputs(const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums) {
  const InputPanel *own = panel;
  for (ptrdiff_t index = 0; index < rows; index++) {
    float *to = inputTarget(own, row + index);
    const float *from = sums + index * sumsWidth;
#define PUT(column, lanes) storeLanes(to + column, load(from + column), lanes)
    FOR_LANES(column, own->count, PUT);
#undef PUT
  }
}

INLINE void inputGradient(enum Cell cell, const RecurraInputGradient *job) {
  // The GRU's gradient of nh, slot 3, does not reach x: the slots of the gates come first, and are all.
  const ptrdiff_t depth = gateCount(cell) * job->units;
  const ptrdiff_t count = job->rowEnd - job->rowBegin, blocks = rowBlocks(count, ownCache);
  const enum Whereabouts where = whereabouts(packedTransposeSize(cell, job->inputs, job->units));
  float *const sums = job->scratch;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = job->rowBegin + count * block / blocks;
    const ptrdiff_t rows = job->rowBegin + count * (block + 1) / blocks - first;
    const Operand dgates = {
      .z = job->dgates + first * job->dgatesStride, .stride = job->dgatesStride, .depth = depth};
    for (ptrdiff_t column = 0; column < job->inputs; column += backwardPanelUnits) {
      const ptrdiff_t width = smaller(backwardPanelUnits, job->inputs - column);
      const ptrdiff_t size = backwardPanelUnits * depth;
      const float *weights = job->packed + column / backwardPanelUnits * size;
      const Panel packed = panelOf(width, weights, weights + size, depth, NULL, where);
      const InputPanel own = {job, first, column, width};
      multiplyPanel(rows, 1, &dgates, &packed, sums, 0, prepareInputs, finishInputs, &own);
    }
  }
}
