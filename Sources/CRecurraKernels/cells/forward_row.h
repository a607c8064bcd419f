// A timestep of a single row: its panels go through together, and it may begin before the rest of h is there.

/// How many of the panels [begin, end) of a single row are gone through together, from the first or from the last on.
///
/// One alone has too few chains for many a core, and after too many the gates no longer overlap with the next product.
/// A narrow one, the last, never goes alone where it has a neighbour.
INLINE ptrdiff_t panelsTogether(enum Cell cell, const RecurraForwardStep *step, ptrdiff_t begin, ptrdiff_t end) {
  if (end - begin < 2 || !traitsOf(cell).pairsPanels) return 1;
  const int endsNarrow = end * columnsOf(cell).panelUnits > step->units;
  return step->pairs || (endsNarrow && (step->descending || end - begin == 2)) ? 2 : 1;
}

/// Adds an operand of one row times `count` panels that follow each other to their sums; it begins at the operand's
/// column times the units of a panel.
INLINE void accumulateRow(
  enum Cell cell, const Operand *operand, const ForwardPanel *panels, ptrdiff_t count, ptrdiff_t depth, float *sums
) {
  const Columns columns = columnsOf(cell);
  for (ptrdiff_t index = 0; index < count; index++, sums += sumsWidth) {
    const ptrdiff_t units = panels[index].count;
    const RecurraForwardStep *step = panels->step;
    const float *weights = step->packed + panelStart(columns, panels[index].unit / columns.panelUnits, depth);
    Operand own = *operand;
    own.column *= units;
#if WIDTH == 16
    if (index + 1 < count) {
      const ptrdiff_t nextUnits = panels[index + 1].count;
      const ptrdiff_t floats = panelFloats(columns, units), nextFloats = panelFloats(columns, nextUnits);
      pairTiles[floats / WIDTH - 3][nextFloats / WIDTH - 1](
        own.z, own.depth, weights + own.first * floats, weights + floats * depth + own.first * nextFloats,
        sums + own.column, sums + sumsWidth + operand->column * nextUnits);
      index++;
      sums += sumsWidth;
      continue;
    }
#endif
    const Panel packed = panelOf(columns.groups * units, weights, weights, depth, ownCache);
    accumulate(1, &own, 0, 0, own.depth, &packed, NULL, sums, 0, 1, 0);
  }
}

/// Applies the gates of a row to some panels, so many vectors together as the maths takes.
INLINE void applyGatesToRow(
  enum Cell cell, const RecurraForwardStep *step, const ForwardPanel *panels, const int count, float *sums
) {
  Units at[bundle];
  if (columnsOf(cell).panelUnits <= WIDTH) {
    // A vector each: where they lie is known, and stays in registers.
    EACH(panel, 0, count) {
      const ptrdiff_t units = panels[panel].count;
      at[panel] = (Units){0, panels[panel].unit, units, units, sums + panel * sumsWidth};
      activate(cell, step, at[panel]);
    }
    emit(cell, step, count, at);
    return;
  }
  ptrdiff_t vectors = 0;
  for (int panel = 0; panel < count; panel++, sums += sumsWidth)
    for (ptrdiff_t index = 0; index < panels[panel].count; index += WIDTH) {
      const ptrdiff_t lanes = smaller(WIDTH, panels[panel].count - index);
      at[vectors] = (Units){0, panels[panel].unit + index, panels[panel].count, lanes, sums + index};
      activate(cell, step, at[vectors++]);
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
  enum Cell cell, const RecurraForwardStep *step, const int count, ptrdiff_t begin, int waits, float *sums
) {
  const Columns columns = columnsOf(cell);
  const ptrdiff_t inputs = step->inputs, units = step->units, width = columns.panelUnits;
  const Operand operands[2] = {
    {step->x.base, 0, inputs, 0, 0}, {step->h.base, 0, units, inputs, groupsApart(columns)}};
  ForwardPanel panels[2];
  EACH(index, 0, count) {
    const ptrdiff_t unit = (begin + index) * width;
    panels[index] = (ForwardPanel){step, 0, unit, smaller(width, units - unit), 0, 0};
  }
  for (int operand = isHoisted(step); operand < 2; operand++) {
    EACH(index, 0, count)
      prepareForward(
        panels[index].count, cell, &panels[index], isHoisted(step) ? 0 : operand, 0, 1, sums + index * sumsWidth, NULL);
    if (operand == 1 && step->fromZeros) continue;
    Operand rest = operands[operand];
    if (operand == 1 && waits) {
      Operand early = rest;
      early.depth = step->rest.ready;
      if (early.depth > 0) accumulateRow(cell, &early, panels, count, inputs + units, sums);
      step->rest.await(step->rest.waiter);
      fetch(step->h.base + step->rest.ready, 0, 1, units - step->rest.ready, 0);
      rest.z += step->rest.ready, rest.first += step->rest.ready, rest.depth -= step->rest.ready;
    }
    accumulateRow(cell, &rest, panels, count, inputs + units, sums);
  }
  applyGatesToRow(cell, step, panels, count, sums);
}

/// A step of a single row.
INLINE void forwardRow(enum Cell cell, const RecurraForwardStep *step) {
  const ptrdiff_t width = columnsOf(cell).panelUnits;
  _Alignas(64) float sums[2 * sumsWidth + 4 * WIDTH];
  // Others may have read what hNext held: its lines come back while the product is computed.
  const ptrdiff_t firstUnit = step->panels.begin * width, endUnit = smaller(step->panels.end * width, step->units);
  fetch(step->hNext.base + firstUnit, 0, 1, endUnit - firstUnit, 1);
  ptrdiff_t first = step->panels.begin, last = step->panels.end;
  int waits = step->rest.await != NULL;
  while (first < last) {
    const ptrdiff_t count = panelsTogether(cell, step, first, last);
    const ptrdiff_t begin = step->descending ? last - count : first;
    if (step->descending)
      last -= count;
    else
      first += count;
    // While it waits, the first panels have something to do; those behind them are then gone through in one go, as
    // caches like it.
    if (count == 2)
      forwardRowPanels(cell, step, 2, begin, waits, sums);
    else
      forwardRowPanels(cell, step, 1, begin, waits, sums);
    waits = 0;
  }
}
