// One timestep forwards: fill the sums, add the products, apply the gates while the sums are in L1.

/// First pass over `lanes` units of one row: the activations that wait for nothing, in place.
///
/// Two passes, because one chain from the gates through c to tanh(c) is longer than a core looks ahead.
/// Leaves c and o (LSTM) or the candidate's pre-activation and z (GRU) in the sums for the second pass. Whole vectors
/// go back there: of a panel's last units they reach only into slots that are done with, or are written next, but for the
/// GRU's candidates: behind them z of the first units is kept, because there nh is 0, filled up with zeros.
INLINE void activate(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t lanes,
  float *sums
) {
  float *gates = step->gates ? step->gates + row * step->gatesStride + unit : NULL;
  const ptrdiff_t units = step->units;
  if (cell == LSTM) {
    Vector ifoc[4] = {load(sums), load(sums + count), load(sums + 3 * count), load(sums + 2 * count)};
    activations(3, 4, ifoc);
    Vector c = fma(ifoc[1], loadLanes(step->c + row * step->cStride + unit, lanes), ifoc[0] * ifoc[3]);
    storeLanes(step->cNext + row * step->cNextStride + unit, c, lanes);
    store(sums, c);
    store(sums + 3 * count, ifoc[2]);
    if (gates) {
      storeLanes(gates, ifoc[0], lanes);
      storeLanes(gates + units, ifoc[1], lanes);
      storeLanes(gates + 2 * units, ifoc[3], lanes);
      storeLanes(gates + 3 * units, ifoc[2], lanes);
    }
  } else if (cell == GRU) {
    Vector zr[2] = {load(sums + count), load(sums + 2 * count)};
    Vector recurrent = load(sums + 3 * count);
    sigmoids(2, zr);
    store(sums, fma(zr[1], recurrent, load(sums)));
    store(sums + count, zr[0]);
    if (gates) {
      storeLanes(gates, zr[0], lanes);
      storeLanes(gates + units, zr[1], lanes);
      storeLanes(gates + 3 * units, recurrent, lanes);
    }
  }
}

/// A vector of a row's units, and where its panel's sums of them lie.
typedef struct {
  ptrdiff_t row, unit, count, lanes;
  const float *sums;
} Units;

/// Second pass: the new h of some vectors, together.
INLINE void emit(enum Cell cell, const RecurraForwardStep *step, const int vectors, const Units *at) {
  Vector h[bundle];
  EACH(v, 0, vectors) h[v] = load(at[v].sums);
  tanhs(vectors, h);
  EACH(v, 0, vectors) {
    const ptrdiff_t row = at[v].row, unit = at[v].unit, lanes = at[v].lanes;
    if (cell == LSTM) h[v] *= load(at[v].sums + 3 * at[v].count);
    if (cell == GRU) {
      if (step->gates) storeLanes(step->gates + row * step->gatesStride + 2 * step->units + unit, h[v], lanes);
      Vector previous = loadLanes(step->h + row * step->hStride + unit, lanes);
      h[v] = fma(load(at[v].sums + at[v].count), previous - h[v], h[v]);
    }
    storeLanes(step->hNext + row * step->hNextStride + unit, h[v], lanes);
    if (step->y) storeLanes(step->y + row * step->yStride + unit, h[v], lanes);
  }
}

/// The second pass over the same units of `rows` rows.
INLINE void emitRows(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t first, const int rows, ptrdiff_t unit, ptrdiff_t count,
  ptrdiff_t lanes, const float *sums
) {
  Units at[bundle];
  EACH(r, 0, rows) at[r] = (Units){first + r, unit, count, lanes, sums + r * sumsWidth};
  emit(cell, step, rows, at);
}

/// Applies the gates of a panel to rows [first, first + rows).
INLINE void applyGates(
  ptrdiff_t count, enum Cell cell, const RecurraForwardStep *step, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t unit,
  float *sums
) {
  if (cell != RNN)
    for (ptrdiff_t row = 0; row < rows; row++) {
#define ACTIVATE(index, lanes) \
  activate(cell, step, first + row, unit + index, count, lanes, sums + row * sumsWidth + index)
      FOR_LANES(index, count, ACTIVATE);
#undef ACTIVATE
    }
#define EMIT(rows, index, lanes) \
  emitRows(cell, step, first + row, rows, unit + index, count, lanes, sums + row * sumsWidth + index)
#define EMIT_4(index, lanes) EMIT(4, index, lanes)
#define EMIT_3(index, lanes) EMIT(3, index, lanes)
#define EMIT_2(index, lanes) EMIT(2, index, lanes)
#define EMIT_1(index, lanes) EMIT(1, index, lanes)
  // Never a single row where two can be had: one chain alone waits for itself.
  for (ptrdiff_t row = 0; row < rows;) {
    const ptrdiff_t left = rows - row, together = left == 5 || left == 6 ? 3 : smaller(left, 4);
    switch (together) {
    case 4: FOR_LANES(index, count, EMIT_4); break;
    case 3: FOR_LANES(index, count, EMIT_3); break;
    case 2: FOR_LANES(index, count, EMIT_2); break;
    default: FOR_LANES(index, count, EMIT_1);
    }
    row += together;
  }
#undef EMIT
#undef EMIT_4
#undef EMIT_3
#undef EMIT_2
#undef EMIT_1
}

/// Where the sums of some rows begin: at row `first` and those behind it, or where `places` says.
typedef struct {
  const float *init;
  ptrdiff_t stride, first;
  const int32_t *places;
} Beginnings;

INLINE const float *beginning(const Beginnings *of, ptrdiff_t row) {
  return of->init + (of->places ? of->places[of->first + row] : of->first + row) * of->stride;
}

/// Copies slots of the beginnings, units [unit, unit + count), into the sums; a slot's last vector may reach into the
/// next slot, which is filled later, or into the row's slack.
INLINE void fillSums(
  enum Cell cell, ptrdiff_t beginPosition, ptrdiff_t endPosition, const Beginnings *beginnings, ptrdiff_t units,
  ptrdiff_t unit, ptrdiff_t count, ptrdiff_t rows, float *sums
) {
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t position = beginPosition; position < endPosition; position++) {
      const float *from = beginning(beginnings, row) + slotAt(cell, position) * units + unit;
      float *to = sums + row * sumsWidth + position * count;
#define COPY(index, lanes) store(to + index, loadLanes(from + index, lanes))
      FOR_LANES(index, count, COPY);
#undef COPY
    }
}

/// A panel of a step for the rows from `first` on.
typedef struct {
  const RecurraForwardStep *step;
  ptrdiff_t first, unit, count;
  /// Whether it is the step's last panel.
  int isLast;
  /// Whether others make a part of h, which then comes while the inputs are multiplied.
  int isFetched;
  /// Whether the sums have been begun with.
  int isBegun;
} ForwardPanel;

/// Asks for the lines of some rows of a matrix, `columns` floats each.
INLINE void fetch(const float *from, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, const int writes) {
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column += lineFloats) {
      if (writes)
        __builtin_prefetch(from + row * stride + column, 1);
      else
        __builtin_prefetch(from + row * stride + column, 0);
    }
}

/// Whether a step is for some of the units only.
INLINE int sharesUnits(enum Cell cell, const RecurraForwardStep *step) {
  return step->panelEnd - step->panelBegin < panelCount(step->units, panelUnits(cell));
}

/// Sets the sums before the first product; the GRU's padding behind nx reaches into nh, so nh is set after the inputs.
INLINE void prepareForward(
  ptrdiff_t count, enum Cell cell, const ForwardPanel *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums
) {
  const RecurraForwardStep *step = panel->step;
  const ptrdiff_t first = panel->first + row, units = step->units, unit = panel->unit;
  const Beginnings init = {step->init, step->initStride, first, step->initRows};
  const int isFirst = operand == 0 && !panel->isBegun, isLast = step->hoisted || operand == 1;
  if (panel->isFetched && operand == 0) fetch(step->h + first * step->hStride, step->hStride, rows, units, 0);
  if (isFirst) {
    // What the gates will read and write comes while the product is computed, unless the step before has asked for it bit by bit.
    const int isAlone = !step->ahead[0].from;
    if (cell == LSTM && isAlone) fetch(step->c + first * step->cStride + unit, step->cStride, rows, count, 1);
    if (step->y) fetch(step->y + first * step->yStride + unit, step->yStride, rows, count, 1);
    // Others have read what hNext held.
    if (sharesUnits(cell, step))
      fetch(step->hNext + first * step->hNextStride + unit, step->hNextStride, rows, count, 1);
    if (step->gates && step->gates != step->init && isAlone)
      for (ptrdiff_t slot = 0; slot < slotCount(cell); slot++)
        fetch(step->gates + first * step->gatesStride + slot * units + unit, step->gatesStride, rows, count, 1);
    if (panel->isLast && step->xAhead)
      fetch(step->xAhead + first * step->xAheadStride, step->xAheadStride, rows, step->inputs, 0);
    if (step->initRowsAhead) {
      const Beginnings next = {step->init, step->initStride, first, step->initRowsAhead};
      for (ptrdiff_t index = 0; index < rows; index++)
        fetch(beginning(&next, index) + unit, units, slotCount(cell), count, 0);
    }
    fillSums(cell, 0, gateCount(cell), &init, units, unit, count, rows, sums);
  }
  if (cell == GRU && isLast) fillSums(cell, 3, 4, &init, units, unit, count, rows, sums);
}

/// How many of the panels [begin, end) of a single row are gone through together, from the first or from the last on.
///
/// One alone has too few chains for many a core, and after too many the gates no longer overlap with the next product. A
/// narrow one, the last, never goes alone where it has a neighbour.
INLINE ptrdiff_t panelsTogether(enum Cell cell, const RecurraForwardStep *step, ptrdiff_t begin, ptrdiff_t end) {
  if (end - begin < 2 || (cell == LSTM && WIDTH < 16)) return 1;
  const int endsNarrow = end * panelUnits(cell) > step->units;
  return step->pairs || (endsNarrow && (step->descending || end - begin == 2)) ? 2 : 1;
}

/// Adds an operand of one row times `count` panels that follow each other to their sums.
INLINE void accumulateRow(
  enum Cell cell, const Operand *operand, const ForwardPanel *panels, ptrdiff_t count, ptrdiff_t depth, float *sums
) {
  for (ptrdiff_t index = 0; index < count; index++, sums += sumsWidth) {
    const ptrdiff_t units = panels[index].count, floats = panelFloats(cell, units);
    const float *weights = forwardPanel(cell, panels->step->packed, panels[index].unit / panelUnits(cell), depth);
    Operand own = *operand;
    if (own.column) own.column = units;
#if WIDTH == 16
    if (index + 1 < count) {
      const ptrdiff_t nextUnits = panels[index + 1].count, nextFloats = panelFloats(cell, nextUnits);
      pairTiles[floats / WIDTH - 3][nextFloats / WIDTH - 1](
        own.z, own.depth, weights + own.first * floats, weights + floats * depth + own.first * nextFloats,
        sums + own.column, sums + sumsWidth + (own.column ? nextUnits : 0));
      index++;
      sums += sumsWidth;
      continue;
    }
#endif
    const Panel packed = {weights, weights, depth, floats, NULL, 0, endsHalf(gateCount(cell) * units)};
    accumulate(1, &own, 0, 0, own.depth, &packed, sums, 0, 0);
  }
}

/// Applies the gates of a row to some panels, so many vectors together as the maths takes.
INLINE void applyGatesToRow(
  enum Cell cell, const RecurraForwardStep *step, const ForwardPanel *panels, ptrdiff_t count, float *sums
) {
  Units at[bundle];
  ptrdiff_t vectors = 0;
  for (ptrdiff_t panel = 0; panel < count; panel++, sums += sumsWidth)
    for (ptrdiff_t index = 0; index < panels[panel].count; index += WIDTH) {
      const ptrdiff_t lanes = smaller(WIDTH, panels[panel].count - index);
      at[vectors++] = (Units){0, panels[panel].unit + index, panels[panel].count, lanes, sums + index};
      activate(cell, step, 0, panels[panel].unit + index, panels[panel].count, lanes, sums + index);
      if (vectors == bundle) {
        emit(cell, step, bundle, at);
        vectors = 0;
      }
    }
  switch (vectors) {
  case 3: emit(cell, step, 3, at); break;
  case 2: emit(cell, step, 2, at); break;
  case 1: emit(cell, step, 1, at);
  }
}

/// A step of a single row for `count` panels from `begin` on, which may have to wait for a part of h.
INLINE void forwardRowPanels(
  enum Cell cell, const RecurraForwardStep *step, const ptrdiff_t count, ptrdiff_t begin, int isLast, int waits,
  float *sums
) {
  const ptrdiff_t inputs = step->inputs, units = step->units, width = panelUnits(cell);
  const Operand operands[2] = {{step->x, 0, inputs, 0, 0}, {step->h, 0, units, inputs, cell == GRU ? width : 0}};
  ForwardPanel panels[2];
  EACH(index, 0, (int)count) {
    const ptrdiff_t unit = (begin + index) * width;
    panels[index] = (ForwardPanel){step, 0, unit, smaller(width, units - unit), isLast, 0, 0};
  }
  for (int operand = step->hoisted != 0; operand < 2; operand++) {
    EACH(index, 0, (int)count)
      prepareForward(
        panels[index].count, cell, &panels[index], step->hoisted ? 0 : operand, 0, 1, sums + index * sumsWidth);
    if (operand == 1 && step->fromZeros) continue;
    Operand rest = operands[operand];
    if (operand == 1 && waits) {
      Operand early = rest;
      early.depth = step->ready;
      if (early.depth > 0) accumulateRow(cell, &early, panels, count, inputs + units, sums);
      step->awaitRest(step->waiter);
      fetch(step->h + step->ready, 0, 1, units - step->ready, 0);
      rest.z += step->ready, rest.first += step->ready, rest.depth -= step->ready;
    }
    accumulateRow(cell, &rest, panels, count, inputs + units, sums);
  }
  applyGatesToRow(cell, step, panels, count, sums);
}

/// A step of a single row.
INLINE void forwardRow(enum Cell cell, const RecurraForwardStep *step) {
  const ptrdiff_t width = panelUnits(cell);
  _Alignas(64) float sums[2 * sumsWidth + 4 * WIDTH];
  // Others may have read what hNext held: its lines come back while the product is computed.
  const ptrdiff_t firstUnit = step->panelBegin * width, endUnit = smaller(step->panelEnd * width, step->units);
  fetch(step->hNext + firstUnit, 0, 1, endUnit - firstUnit, 1);
  ptrdiff_t first = step->panelBegin, last = step->panelEnd;
  int waits = step->awaitRest != NULL;
  while (first < last) {
    const ptrdiff_t count = panelsTogether(cell, step, first, last);
    const ptrdiff_t begin = step->descending ? last - count : first;
    if (step->descending)
      last -= count;
    else
      first += count;
    // While it waits, the first panels have something to do; those behind them are then gone through in one go, as caches like it.
    if (count == 2)
      forwardRowPanels(cell, step, 2, begin, first == last, waits, sums);
    else
      forwardRowPanels(cell, step, 1, begin, first == last, waits, sums);
    waits = 0;
  }
}

static void finishNothing(const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums) {
  (void)panel, (void)row, (void)rows, (void)sums;
}

INLINE void forwardStep(enum Cell cell, const RecurraForwardStep *step, PrepareSums *prepare, FinishSums *finish) {
  if (step->rows == 1) {
    forwardRow(cell, step);
    return;
  }
  const ptrdiff_t units = step->units, depth = step->inputs + units, states = step->fromZeros ? 0 : units;
  // Laid down in one row, [x, h] is one operand.
  const int isSideBySide = !step->hoisted && step->h == step->x + step->inputs && step->hStride == step->xStride;
  int waits = step->awaitRest && !step->fromZeros;
  Errand errand = {{step->ahead[0], step->ahead[1], step->ahead[2]}, 0};
  Errand *pending = step->ahead[0].from ? &errand : NULL;
  const int stays = packedForwardSize(cell, step->inputs, units) * sizeof(float) <= stayingBytes;
  const ptrdiff_t blocks = rowBlocks(step->rows, stays);
  // Some vectors more: the last slots of the last row are loaded as whole vectors.
  _Alignas(64) float sums[rowsPerBlock * sumsWidth + 4 * WIDTH];
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = step->rows * block / blocks, rows = step->rows * (block + 1) / blocks - first;
    const Operand operands[2] = {
      {step->x + first * step->xStride, step->xStride, step->inputs, 0, 0},
      {step->h + first * step->hStride, step->hStride, states, step->inputs, 0}};
    for (ptrdiff_t index = step->panelBegin; index < step->panelEnd; index++) {
      const int isLast = index + 1 == step->panelEnd;
      const ptrdiff_t panel = step->descending ? step->panelBegin + step->panelEnd - 1 - index : index;
      const ptrdiff_t unit = panel * panelUnits(cell), count = smaller(panelUnits(cell), units - unit);
      const float *weights = forwardPanel(cell, step->packed, panel, depth);
      const ptrdiff_t size = panelFloats(cell, panelUnits(cell)) * depth;
      // By turns up and down: the next step begins with the panel that this one ends with.
      const float *next = isLast ? weights : step->descending ? weights - size : weights + size;
      const int half = endsHalf(gateCount(cell) * count);
      const Panel packed = {weights, next, depth, panelFloats(cell, count), pending, stays, half};
      const int isFetched = index == step->panelBegin && states > 0 && sharesUnits(cell, step);
      ForwardPanel job = {step, first, unit, count, isLast, isFetched && !waits, 0};
      Operand x = operands[0], h = operands[1];
      if (cell == GRU) h.column = count;
      if (waits) {
        // Half of the inputs are multiplied before the others are waited for; with the other half comes what they have made.
        Operand half = x;
        half.depth = step->hoisted ? 0 : x.depth / 2;
        if (half.depth > 0) multiplyPanel(rows, 1, &half, &packed, sums, 1, prepare, finishNothing, &job);
        job.isBegun = half.depth > 0, job.isFetched = isFetched;
        x.z += half.depth, x.depth -= half.depth, x.first += half.depth;
        step->awaitRest(step->waiter);
      }
      if (step->hoisted) {
        multiplyPanel(rows, 1, &h, &packed, sums, 1, prepare, finish, &job);
      } else if (cell != GRU && isSideBySide && !waits) {
        const Operand xh = {x.z, x.stride, x.depth + states, 0, 0};
        multiplyPanel(rows, 1, &xh, &packed, sums, 1, prepare, finish, &job);
      } else {
        const Operand both[2] = {x, h};
        multiplyPanel(rows, 2, both, &packed, sums, 1, prepare, finish, &job);
      }
      waits = 0;
    }
  }
}

/// Does the gates alone, on pre-activations that are complete.
INLINE void forwardGates(enum Cell cell, const RecurraForwardStep *step) {
  const ptrdiff_t units = step->units;
  _Alignas(64) float sums[maximumTileRows * sumsWidth + 4 * WIDTH];
  for (ptrdiff_t first = 0; first < step->rows; first += maximumTileRows) {
    const ptrdiff_t rows = smaller(maximumTileRows, step->rows - first);
    for (ptrdiff_t unit = 0; unit < units; unit += panelUnits(cell)) {
      const ptrdiff_t count = smaller(panelUnits(cell), units - unit);
      const Beginnings init = {step->init, step->initStride, first, step->initRows};
      fillSums(cell, 0, slotCount(cell), &init, units, unit, count, rows, sums);
      applyGates(count, cell, step, first, rows, unit, sums);
    }
  }
}
