// The product of the inputs of many rows or timesteps, taken out of the loop: bias + x * W into a gate buffer.

/// A panel of a product for the rows from `first` on.
typedef struct {
  const RecurraProduct *product;
  ptrdiff_t first, unit, count;
} ProductPanel;

INLINE void prepareProduct(
  ptrdiff_t count, enum Cell cell, const ProductPanel *panel, ptrdiff_t row, ptrdiff_t rows, float *sums,
  TileStart *start
) {
  const RecurraProduct *job = panel->product;
  const Beginnings init = {job->init, job->initStride, panel->first + row, NULL};
  beginSums(cell, &init, job->units, panel->unit, count, rows, sums, start);
}

INLINE void finishProduct(
  ptrdiff_t count, enum Cell cell, const ProductPanel *panel, ptrdiff_t row, ptrdiff_t rows, float *sums
) {
  const RecurraProduct *job = panel->product;
  const ptrdiff_t first = panel->first + row, units = job->units, unit = panel->unit;
  const Beginnings init = {job->init, job->initStride, first, NULL};
  if (cell == GRU) fillSums(cell, 3, 4, &init, units, unit, count, rows, sums);
  for (ptrdiff_t index = 0; index < rows; index++)
    for (ptrdiff_t position = 0; position < slotCount(cell); position++) {
      const float *from = sums + index * sumsWidth + position * count;
      float *to = job->out + (first + index) * job->outStride + slotAt(cell, position) * units + unit;
#define COPY(index, lanes) storeLanes(to + index, loadLanes(from + index, lanes), lanes)
      FOR_LANES(column, count, COPY);
#undef COPY
    }
}

#if WIDTH == 16
/// Some rows times a full panel whose vectors are slots: the sums begin and end where they belong, without scratch.
INLINE void productTile(
  enum Cell cell, const int rows, const RecurraProduct *job, ptrdiff_t row, ptrdiff_t unit, const float *weights,
  Ahead ahead
) {
  const int gates = (int)gateCount(cell);
  const float *init = job->init + row * job->initStride + unit;
  float *out = job->out + row * job->outStride + unit;
  Vector sum[24];
  EACH(r, 0, rows) EACH(v, 0, gates)
    sum[r * gates + v] = load(init + r * job->initStride + slotAt(cell, v) * job->units);
  accumulateTile(
    rows, 1, gates, job->x + row * job->xStride, job->xStride, job->inputs, weights, 0, ahead, sum);
  EACH(r, 0, rows) {
    EACH(v, 0, gates) store(out + r * job->outStride + slotAt(cell, v) * job->units, sum[r * gates + v]);
    const ptrdiff_t last = 3 * job->units;
    if (cell == GRU) store(out + r * job->outStride + last, load(init + r * job->initStride + last));
  }
}

/// All rows from `first` on times a full panel, in equal shares of at most a tile's rows.
INLINE void productOfSlots(
  enum Cell cell, const RecurraProduct *job, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t unit, const Panel *panel
) {
  const ptrdiff_t blocks = (rows + maximumTileRows - 1) / maximumTileRows;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t row = first + rows * block / blocks;
    const Ahead ahead = aheadOf(panel, panel->floats, job->inputs, block, blocks, panel->next);
    switch (first + rows * (block + 1) / blocks - row) {
    case 6: productTile(cell, 6, job, row, unit, panel->weights, ahead); break;
    case 5: productTile(cell, 5, job, row, unit, panel->weights, ahead); break;
    case 4: productTile(cell, 4, job, row, unit, panel->weights, ahead); break;
    case 3: productTile(cell, 3, job, row, unit, panel->weights, ahead); break;
    case 2: productTile(cell, 2, job, row, unit, panel->weights, ahead); break;
    default: productTile(cell, 1, job, row, unit, panel->weights, ahead);
    }
  }
}
#endif

INLINE void product(enum Cell cell, const RecurraProduct *job, PrepareSums *prepare, FinishSums *finish) {
  const ptrdiff_t units = job->units, depth = job->inputs + units;
  const enum Whereabouts where = whereabouts((size_t)(gateCount(cell) * units * job->inputs));
  const ptrdiff_t blocks = rowBlocks(job->rows, ownCache);
  float *const sums = job->scratch;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = job->rows * block / blocks, rows = job->rows * (block + 1) / blocks - first;
    const Operand x = {.z = job->x + first * job->xStride, .stride = job->xStride, .depth = job->inputs};
    for (ptrdiff_t panel = job->panelBegin; panel < job->panelEnd; panel++) {
      const ptrdiff_t unit = panel * panelUnits(cell), count = smaller(panelUnits(cell), units - unit);
      const float *weights = job->packed + forwardPanel(cell, panel, job->inputs, units);
      const float *next = weights + forwardPanel(cell, 1, job->inputs, units);
      const Panel packed = panelOf(gateCount(cell) * count, weights, next, depth, NULL, where);
#if WIDTH == 16
      if (cell != RNN && count == WIDTH && job->inputs <= stretchDepth) {
        productOfSlots(cell, job, first, rows, unit, &packed);
        continue;
      }
#endif
      const ProductPanel own = {job, first, unit, count};
      multiplyPanel(rows, 1, &x, &packed, sums, 0, prepare, finish, &own);
    }
  }
}
