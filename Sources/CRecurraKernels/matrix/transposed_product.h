// Rows times the transpose of weights: the gradient of what has been multiplied by them, dgates * W^T.

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

/// Computes dgates * W^T. What the second operand has to itself does not reach the inputs, and comes last.
INLINE void inputGradient(const Columns columns, const RecurraInputGradient *job) {
  const ptrdiff_t depth = columns.groups * job->units;
  const ptrdiff_t count = job->rowEnd - job->rowBegin, blocks = rowBlocks(count, ownCache);
  const enum Distance where = distanceOf(packedTransposeSize(columns, job->inputs, job->units));
  float *const sums = job->scratch;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = job->rowBegin + count * block / blocks;
    const ptrdiff_t rows = job->rowBegin + count * (block + 1) / blocks - first;
    const Operand dgates = {.z = elementAt(job->dgates, first, 0), .stride = job->dgates.stride, .depth = depth};
    for (ptrdiff_t column = 0; column < job->inputs; column += transposedWidth) {
      const ptrdiff_t width = smaller(transposedWidth, job->inputs - column);
      const ptrdiff_t size = transposedWidth * depth;
      const float *weights = job->packed + column / transposedWidth * size;
      const Panel packed = panelOf(width, weights, weights + size, depth, where);
      const InputPanel own = {job, first, column, width};
      multiplyPanel(rows, 1, &dgates, &packed, sums, 0, prepareInputs, finishInputs, &own);
    }
  }
}
