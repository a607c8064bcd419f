// One timestep backwards: dh from the next step's gradients, then the derivatives of the gates.

/// What the gates of a row read and write, from a unit on.
typedef struct {
  const RecurraBackwardStep *step;
  float *gates, *dc;
  const float *h, *hPrevious, *c, *cPrevious;
} BackwardRow;

INLINE BackwardRow backwardRowFrom(enum Cell cell, const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit) {
  BackwardRow from = {.step = step, .gates = step->gates + row * step->gatesStride + unit};
  if (cell == RNN) from.h = step->h + row * step->hStride + unit;
  if (cell == GRU) from.hPrevious = step->hPrevious + row * step->hPreviousStride + unit;
  if (cell == LSTM) {
    from.dc = step->dc + row * step->dcStride + unit;
    from.c = step->c + row * step->cStride + unit;
    from.cPrevious = step->cPrevious + row * step->cPreviousStride + unit;
  }
  return from;
}

/// Loads and stores one gate of the units that a function of backwardUnits takes through.
#define GATE(slot) loadLanes(gates + (slot) * step->units, lanes)
#define PUT_GATE(slot, value) storeLanes(gates + (slot) * step->units, value, lanes)

INLINE void backwardLSTMUnits(
  const BackwardRow *row, ptrdiff_t at, ptrdiff_t lanes, Vector dh, Vector tanhC
) {
  const RecurraBackwardStep *step = row->step;
  float *gates = row->gates + at;
  Vector i = GATE(0), f = GATE(1), candidate = GATE(2), o = GATE(3);
  Vector later = loadLanes(row->dc + at, lanes);
  Vector dc = fma(dh * o, fma(-tanhC, tanhC, broadcast(1)), later);
  Vector previous = loadLanes(row->cPrevious + at, lanes);
  PUT_GATE(0, dc * candidate * fma(-i, i, i));
  PUT_GATE(1, dc * previous * fma(-f, f, f));
  PUT_GATE(2, dc * i * fma(-candidate, candidate, broadcast(1)));
  PUT_GATE(3, dh * tanhC * fma(-o, o, o));
  storeLanes(row->dc + at, dc * f, lanes);
}

INLINE Vector backwardGRUUnits(const BackwardRow *row, ptrdiff_t at, ptrdiff_t lanes, Vector dh) {
  const RecurraBackwardStep *step = row->step;
  float *gates = row->gates + at;
  Vector z = GATE(0), r = GATE(1), candidate = GATE(2), recurrent = GATE(3);
  Vector previous = loadLanes(row->hPrevious + at, lanes);
  Vector dCandidate = fma(-z, dh, dh) * fma(-candidate, candidate, broadcast(1));
  PUT_GATE(0, dh * (previous - candidate) * fma(-z, z, z));
  PUT_GATE(1, dCandidate * recurrent * fma(-r, r, r));
  PUT_GATE(2, dCandidate);
  PUT_GATE(3, dCandidate * r);
  return dh * z;
}

/// Takes dh of `lanes` units of a row, `at` units behind where it begins, through the gates; the LSTM wants tanh(c).
/// Returns what reaches the h before without a product.
INLINE Vector backwardUnits(
  enum Cell cell, const BackwardRow *row, ptrdiff_t at, ptrdiff_t lanes, Vector dh, Vector tanhC
) {
  if (cell == GRU) return backwardGRUUnits(row, at, lanes, dh);
  if (cell == LSTM) {
    backwardLSTMUnits(row, at, lanes, dh, tanhC);
  } else {
    const RecurraBackwardStep *step = row->step;
    float *gates = row->gates + at;
    Vector h = loadLanes(row->h + at, lanes);
    PUT_GATE(0, dh * fma(-h, h, broadcast(1)));
  }
  return broadcast(0);
}
#undef GATE
#undef PUT_GATE

/// dhCarry + dy, whichever there are.
INLINE Vector incomingGradient(const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t lanes) {
  Vector dh = broadcast(0);
  if (step->dhCarry) dh = loadLanes(step->dhCarry + row * step->dhCarryStride + unit, lanes);
  if (step->dy) dh += loadLanes(step->dy + row * step->dyStride + unit, lanes);
  return dh;
}

/// Takes some vectors of a row through the gates, the last with `lanes` units; dh from the sums or, where there are
/// none, as it comes in.
INLINE void backwardRow(
  enum Cell cell, const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, const int vectors, ptrdiff_t lanes,
  const float *sums
) {
  Vector dh[bundle], tanhC[bundle];
#define LANES(v) (v == vectors - 1 ? lanes : WIDTH)
  EACH(v, 0, vectors)
    dh[v] = sums ? load(sums + v * WIDTH) : incomingGradient(step, row, unit + v * WIDTH, LANES(v));
  if (!step->gates) {
    float *to = step->dhOut ? step->dhOut + row * step->dhOutStride + unit : NULL;
    if (to) EACH(v, 0, vectors) storeLanes(to + v * WIDTH, dh[v], LANES(v));
    return;
  }
  float *carry = step->dhCarry ? step->dhCarry + row * step->dhCarryStride + unit : NULL;
  const BackwardRow from = backwardRowFrom(cell, step, row, unit);
  EACH(v, 0, vectors) tanhC[v] = cell == LSTM ? loadLanes(from.c + v * WIDTH, LANES(v)) : broadcast(0);
  if (cell == LSTM) tanhs(vectors, tanhC);
  EACH(v, 0, vectors) dh[v] = backwardUnits(cell, &from, v * WIDTH, LANES(v), dh[v], tanhC[v]);
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
  // What the gates will read and write comes while the product is computed, unless the step before has asked for it bit
  // by bit.
  if (step->dyAhead) fetch(step->dyAhead + first * step->dyStride + unit, step->dyStride, rows, count, 0);
  if (step->gates && !step->ahead[0].from) {
    if (cell != RNN)
      for (ptrdiff_t slot = 0; slot < slotCount(cell); slot++)
        fetch(step->gates + first * step->gatesStride + slot * step->units + unit, step->gatesStride, rows, count, 1);
    if (cell == LSTM) {
      fetch(step->cPrevious + first * step->cPreviousStride + unit, step->cPreviousStride, rows, count, 0);
      fetch(step->dc + first * step->dcStride + unit, step->dcStride, rows, count, 1);
    }
  }
  const int isWhole = count == backwardPanelUnits && step->dy;
  if (start && !step->dhCarry && (isWhole || !step->dy)) {
    beginWithZeros(rows, start);
    if (isWhole) start->slot = slotColumns;
    for (ptrdiff_t index = 0; isWhole && index < rows; index++)
      start->row[index] = step->dy + (first + index) * step->dyStride + unit;
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
  for (ptrdiff_t index = 0; index < rows; index++)
    backwardUnitsOfRow(count, cell, panel->step, panel->first + row + index, panel->unit, sums + index * sumsWidth);
}

INLINE void backwardStep(enum Cell cell, const RecurraBackwardStep *step, PrepareSums *prepare, FinishSums *finish) {
  const ptrdiff_t units = step->units, depth = gateCount(cell) * units;
  float *const sums = step->scratch;
  const ptrdiff_t withProduct = step->productRows < 0 ? 0 : smaller(step->productRows, step->rows);
  Errand errand = {{step->ahead[0], step->ahead[1], step->ahead[2]}, 0};
  Errand *pending = step->ahead[0].from ? &errand : NULL;
  const enum Whereabouts where = whereabouts(packedTransposeSize(cell, units, units));
  // Rows with a product first, then those without.
  for (int multiplies = 1; multiplies >= 0; multiplies--) {
    const ptrdiff_t begin = multiplies ? 0 : withProduct, end = multiplies ? withProduct : step->rows;
    const ptrdiff_t blocks = rowBlocks(end - begin, where);
    for (ptrdiff_t block = 0; block < blocks; block++) {
      const ptrdiff_t first = begin + (end - begin) * block / blocks;
      const ptrdiff_t rows = begin + (end - begin) * (block + 1) / blocks - first;
      const ptrdiff_t stride = step->dgatesNextStride, wanted = multiplies ? depth : 0;
      const float *next = step->dgatesNext + first * stride;
      // The GRU's gradient of nx, slot 2, does not reach h: z and r, then nh.
      const ptrdiff_t contiguous = cell == GRU ? smaller(2 * units, wanted) : wanted;
      const Operand operands[2] = {
        {.z = next, .stride = stride, .depth = contiguous},
        {.z = next + 3 * units, .stride = stride, .depth = wanted - contiguous, .first = contiguous}};
      for (ptrdiff_t index = step->panelBegin; index < step->panelEnd; index++) {
        const ptrdiff_t panel = step->descending ? step->panelBegin + step->panelEnd - 1 - index : index;
        const ptrdiff_t column = panel * backwardPanelUnits;
        const ptrdiff_t count = smaller(backwardPanelUnits, units - column);
        const ptrdiff_t size = backwardPanelUnits * depth;
        const float *weights = step->packed + panel * size;
        const float *following = index + 1 == step->panelEnd ? weights
                                 : step->descending          ? weights - size
                                                             : weights + size;
        const Panel packed = panelOf(count, weights, following, depth, pending, where);
        const BackwardPanel job = {step, first, column, count};
        if (cell == GRU)
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
