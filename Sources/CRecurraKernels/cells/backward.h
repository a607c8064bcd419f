// One timestep backwards: dh from the next step's gradients, then the derivatives of the gates.

/// dhCarry + dy, whichever there are.
INLINE Vector incomingGradient(const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t lanes) {
  Vector dh = broadcast(0);
  if (step->dhCarry.base) dh = loadLanes(elementAt(step->dhCarry, row, unit), lanes);
  if (step->dy.base) dh += loadLanes(elementAt(step->dy, row, unit), lanes);
  return dh;
}

/// Takes some vectors of a row through the gates, the last with `lanes` units; dh from the sums or, where there are
/// none, as it comes in.
INLINE void backwardRow(
  enum Cell cell, const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, const int vectors, ptrdiff_t lanes,
  const float *sums
) {
  Vector dh[bundle];
#define LANES(v) (v == vectors - 1 ? lanes : WIDTH)
  EACH(v, 0, vectors)
    dh[v] = sums ? load(sums + v * WIDTH) : incomingGradient(step, row, unit + v * WIDTH, LANES(v));
  if (!step->gates.base) {
    float *to = step->dhOut.base ? elementAt(step->dhOut, row, unit) : NULL;
    if (to) EACH(v, 0, vectors) storeLanes(to + v * WIDTH, dh[v], LANES(v));
    return;
  }
  float *carry = step->dhCarry.base ? elementAt(step->dhCarry, row, unit) : NULL;
  const BackwardUnits first = {step, row, unit, lanes};
  derive(cell, &first, vectors, dh);
  // No branch before this, for the compiler would take the maths of later vectors behind it.
  if (carry) EACH(v, 0, vectors) storeLanes(carry + v * WIDTH, dh[v], LANES(v));
#undef LANES
}

/// The `count` units from `unit` on of a row.
INLINE void backwardUnitsOfRow(
  ptrdiff_t count, enum Cell cell, const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, const float *sums
) {
  ptrdiff_t column = 0;
  for (; column + bundle * WIDTH <= count; column += bundle * WIDTH)
    backwardRow(cell, step, row, unit + column, bundle, WIDTH, sums ? sums + column : NULL);
  const ptrdiff_t rest = count - column, vectors = (rest + WIDTH - 1) / WIDTH, lanes = rest - (vectors - 1) * WIDTH;
  const float *from = sums ? sums + column : NULL;
  switch (vectors) {
  case 4: backwardRow(cell, step, row, unit + column, 4, lanes, from); break;
  case 3: backwardRow(cell, step, row, unit + column, 3, lanes, from); break;
  case 2: backwardRow(cell, step, row, unit + column, 2, lanes, from); break;
  case 1: backwardRow(cell, step, row, unit + column, 1, lanes, from);
  }
}

/// The columns of some units of a step, for the rows from `first` on.
typedef struct {
  const RecurraBackwardStep *step;
  ptrdiff_t first, unit, count;
} BackwardPanel;

INLINE void prepareBackward(
  ptrdiff_t count, enum Cell cell, const BackwardPanel *panel, ptrdiff_t row, ptrdiff_t rows, float *sums,
  TileStart *start
) {
  const RecurraBackwardStep *step = panel->step;
  const ptrdiff_t first = panel->first + row, unit = panel->unit;
  const CellTraits traits = traitsOf(cell);
  // What the gates will read and write comes while the product is computed.
  if (step->gates.base && traits.keepsGates)
    for (ptrdiff_t slot = 0; slot < traits.columns.slots; slot++)
      fetchRows(step->gates, first, rows, slot * step->units + unit, count, 1);
  if (step->gates.base && traits.hasMemory) {
    fetchRows(step->cPrevious, first, rows, unit, count, 0);
    fetchRows(step->dc, first, rows, unit, count, 1);
  }
  if (step->gates.base && traits.readsPreviousState) fetchRows(step->hPrevious, first, rows, unit, count, 0);
  const int isWhole = count == transposedWidth && step->dy.base;
  if (start && !step->dhCarry.base && (isWhole || !step->dy.base)) {
    beginWithZeros(rows, start);
    if (isWhole) start->slot = slotColumns;
    for (ptrdiff_t index = 0; isWhole && index < rows; index++)
      start->row[index] = elementAt(step->dy, first + index, unit);
    return;
  }
  for (ptrdiff_t index = 0; index < rows; index++, sums += sumsWidth) {
#define FILL(column, lanes) store(sums + column, incomingGradient(step, first + index, unit + column, lanes))
    FOR_LANES(column, count, FILL);
#undef FILL
  }
}

INLINE void finishBackward(
  ptrdiff_t count, enum Cell cell, const BackwardPanel *panel, ptrdiff_t row, ptrdiff_t rows, float *sums
) {
  // A copy, which the stores of vectors cannot be taken to change: otherwise each makes the compiler read it again.
  const RecurraBackwardStep step = *panel->step;
  for (ptrdiff_t index = 0; index < rows; index++)
    backwardUnitsOfRow(count, cell, &step, panel->first + row + index, panel->unit, sums + index * sumsWidth);
}

INLINE void backwardStep(enum Cell cell, const RecurraBackwardStep *step, PrepareSums *prepare, FinishSums *finish) {
  const Columns columns = columnsOf(cell);
  const ptrdiff_t units = step->units, depth = columns.groups * units, size = transposedWidth * depth;
  float *const sums = step->scratch;
  const ptrdiff_t withProduct = step->productRows < 0 ? 0 : smaller(step->productRows, step->rows);
  const enum Distance where = distanceOf(packedTransposeSize(columns, units, units));
  // Rows with a product first, then those without.
  for (int multiplies = 1; multiplies >= 0; multiplies--) {
    const ptrdiff_t begin = multiplies ? 0 : withProduct, end = multiplies ? withProduct : step->rows;
    const ptrdiff_t blocks = rowBlocks(end - begin, where);
    for (ptrdiff_t block = 0; block < blocks; block++) {
      const ptrdiff_t first = begin + (end - begin) * block / blocks;
      const ptrdiff_t rows = begin + (end - begin) * (block + 1) / blocks - first;
      const ptrdiff_t stride = step->dgatesNext.stride, wanted = multiplies ? depth : 0;
      const float *next = elementAt(step->dgatesNext, first, 0);
      // Slots that the inputs have to themselves are left out: they do not reach h.
      const ptrdiff_t shared = smaller((columns.groups - groupsApart(columns)) * units, wanted);
      const Operand operands[2] = {
        {.z = next, .stride = stride, .depth = shared},
        {.z = next + columns.groups * units, .stride = stride, .depth = wanted - shared, .first = shared}};
      for (ptrdiff_t index = step->panels.begin; index < step->panels.end; index++) {
        const ptrdiff_t panel = step->descending ? step->panels.begin + step->panels.end - 1 - index : index;
        const ptrdiff_t column = panel * transposedWidth, count = smaller(transposedWidth, units - column);
        const float *weights = step->packed + panel * size;
        const float *following = index + 1 == step->panels.end ? weights
                                 : step->descending            ? weights - size
                                                               : weights + size;
        const Panel packed = panelOf(count, weights, following, depth, where);
        const BackwardPanel job = {step, first, column, count};
        if (groupsApart(columns))
          multiplyPanel(rows, 2, operands, &packed, sums, 1, prepare, finish, &job);
        else
          multiplyPanel(rows, 1, operands, &packed, sums, 1, prepare, finish, &job);
      }
    }
  }
}

INLINE void backwardGates(enum Cell cell, const RecurraBackwardStep *step) {
  for (ptrdiff_t row = 0; row < step->rows; row++) backwardUnitsOfRow(step->units, cell, step, row, 0, NULL);
}
