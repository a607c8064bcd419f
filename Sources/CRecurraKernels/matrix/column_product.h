// Rows times packed columns, out = init + x * W: a dense layer, or a cell's inputs of many timesteps.

/// A panel of a product for the rows from `first` on.
typedef struct {
  const RecurraProduct *product;
  ptrdiff_t first, unit, count;
} ProductPanel;

INLINE void prepareProduct(
  ptrdiff_t count, const Columns columns, const ProductPanel *panel, ptrdiff_t row, ptrdiff_t rows, float *sums,
  TileStart *start
) {
  const RecurraProduct *job = panel->product;
  const InitRows init = {job->init, panel->first + row, NULL};
  beginSums(columns, &init, job->units, panel->unit, count, rows, sums, start);
}

INLINE void finishProduct(
  ptrdiff_t count, const Columns columns, const ProductPanel *panel, ptrdiff_t row, ptrdiff_t rows, float *sums
) {
  const RecurraProduct *job = panel->product;
  const ptrdiff_t first = panel->first + row, units = job->units, unit = panel->unit;
  const InitRows init = {job->init, first, NULL};
  beginSumsApart(columns, &init, units, unit, count, rows, sums);
  for (ptrdiff_t index = 0; index < rows; index++)
    for (ptrdiff_t position = 0; position < columns.slots; position++) {
      const float *from = sums + index * sumsWidth + position * count;
      float *to = elementAt(job->out, first + index, slotAt(columns, position) * units + unit);
#define COPY(index, lanes) storeLanes(to + index, loadLanes(from + index, lanes), lanes)
      FOR_LANES(column, count, COPY);
#undef COPY
    }
}

#if WIDTH == 16
/// Some rows times a full panel whose vectors are slots: the sums begin and end where they belong, without scratch.
INLINE void productTile(
  const Columns columns, const int rows, const RecurraProduct *job, ptrdiff_t row, ptrdiff_t unit,
  const float *weights, Ahead ahead
) {
  const int groups = (int)columns.groups;
  const RecurraRows x = job->x, in = job->init, out = job->out;
  Vector sum[24];
  EACH(r, 0, rows) EACH(v, 0, groups)
    sum[r * groups + v] = load(elementAt(in, row + r, slotAt(columns, v) * job->units + unit));
  accumulateTile(rows, 1, groups, elementAt(x, row, 0), x.stride, job->inputs, weights, 0, ahead, sum);
  EACH(r, 0, rows) {
    EACH(v, 0, groups) store(elementAt(out, row + r, slotAt(columns, v) * job->units + unit), sum[r * groups + v]);
    for (ptrdiff_t slot = groups; slot < columns.slots; slot++) {
      const ptrdiff_t column = slot * job->units + unit;
      store(elementAt(out, row + r, column), load(elementAt(in, row + r, column)));
    }
  }
}

/// All rows from `first` on times a full panel, in equal shares of at most a tile's rows.
INLINE void productOfSlots(
  const Columns columns, const RecurraProduct *job, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t unit,
  const Panel *panel
) {
  const ptrdiff_t blocks = (rows + maximumTileRows - 1) / maximumTileRows;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t row = first + rows * block / blocks;
    const Ahead ahead = aheadOf(panel, panel->floats, job->inputs, block, blocks, panel->next);
    switch (first + rows * (block + 1) / blocks - row) {
    case 6: productTile(columns, 6, job, row, unit, panel->weights, ahead); break;
    case 5: productTile(columns, 5, job, row, unit, panel->weights, ahead); break;
    case 4: productTile(columns, 4, job, row, unit, panel->weights, ahead); break;
    case 3: productTile(columns, 3, job, row, unit, panel->weights, ahead); break;
    case 2: productTile(columns, 2, job, row, unit, panel->weights, ahead); break;
    default: productTile(columns, 1, job, row, unit, panel->weights, ahead);
    }
  }
}
#endif

/// Computes the panels of a product; packed weights have `depth` rows, of which the first `inputs` are multiplied.
INLINE void product(
  const Columns columns, ptrdiff_t depth, const RecurraProduct *job, PrepareSums *prepare, FinishSums *finish
) {
  const ptrdiff_t units = job->units;
  const enum Distance where = distanceOf((size_t)(columns.groups * units * job->inputs));
  const ptrdiff_t blocks = rowBlocks(job->rows, ownCache);
  float *const sums = job->scratch;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = job->rows * block / blocks, rows = job->rows * (block + 1) / blocks - first;
    const Operand x = {.z = elementAt(job->x, first, 0), .stride = job->x.stride, .depth = job->inputs};
    for (ptrdiff_t panel = job->panels.begin; panel < job->panels.end; panel++) {
      const ptrdiff_t unit = panel * columns.panelUnits, count = smaller(columns.panelUnits, units - unit);
      const float *weights = job->packed + panelStart(columns, panel, depth);
      const float *next = weights + panelStart(columns, 1, depth);
      const Panel packed = panelOf(columns.groups * count, weights, next, depth, where);
#if WIDTH == 16
      if (columns.panelUnits == WIDTH && count == WIDTH && job->inputs <= stretchDepth) {
        productOfSlots(columns, job, first, rows, unit, &packed);
        continue;
      }
#endif
      const ProductPanel own = {job, first, unit, count};
      multiplyPanel(rows, 1, &x, &packed, sums, 0, prepare, finish, &own);
    }
  }
}
