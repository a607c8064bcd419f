// One timestep forwards: fill the sums, add the products, apply the gates.

static void finishNothing(const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums) {
  (void)panel, (void)row, (void)rows, (void)sums;
}

INLINE void forwardStep(
  enum Cell cell, const RecurraForwardStep *step, PrepareSums *prepare, FinishSums *finish
) {
  if (step->rows == 1) {
    forwardRow(cell, step);
    return;
  }
  const ptrdiff_t units = step->units, inputs = step->inputs, states = step->fromZeros ? 0 : units;
  const ptrdiff_t depth = inputs + units;
  // Laid down in one row, [x, h] is one operand.
  const int isSideBySide = !step->hoisted && step->h == step->x + inputs && step->hStride == step->xStride;
  int waits = step->awaitRest && !step->fromZeros;
  Errand errand = {{step->ahead[0], step->ahead[1], step->ahead[2]}, 0};
  Errand *pending = step->ahead[0].from ? &errand : NULL;
  const enum Whereabouts where = whereabouts(packedForwardSize(cell, inputs, units));
  const ptrdiff_t blocks = rowBlocks(step->rows, where);
  float *const sums = step->scratch;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = step->rows * block / blocks, rows = step->rows * (block + 1) / blocks - first;
    const Operand operands[2] = {
      {.z = step->x + first * step->xStride, .stride = step->xStride, .depth = inputs},
      {.z = step->h + first * step->hStride, .stride = step->hStride, .depth = states, .first = inputs}};
    for (ptrdiff_t index = step->panelBegin; index < step->panelEnd; index++) {
      const int isLast = index + 1 == step->panelEnd;
      const ptrdiff_t panel = step->descending ? step->panelBegin + step->panelEnd - 1 - index : index;
      const ptrdiff_t unit = panel * panelUnits(cell), count = smaller(panelUnits(cell), units - unit);
      const float *weights = step->packed + forwardPanel(cell, panel, inputs, units);
      const ptrdiff_t size = forwardPanel(cell, 1, inputs, units);
      // By turns up and down: the next step begins with the panel that this one ends with.
      const float *next = isLast ? weights : step->descending ? weights - size : weights + size;
      const Panel packed = panelOf(gateCount(cell) * count, weights, next, depth, pending, where);
      const int isFetched = index == step->panelBegin && states > 0 && sharesUnits(cell, step);
      ForwardPanel job = {step, first, unit, count, isLast, isFetched && !waits, 0};
      Operand x = operands[0], h = operands[1];
      if (cell == GRU) h.column = count;
      if (waits) {
        // Half of the inputs are multiplied before the others are waited for; with the other half comes what they have
        // made.
        Operand half = x;
        half.depth = step->hoisted ? 0 : x.depth / 2;
        if (half.depth > 0) multiplyPanel(rows, 1, &half, &packed, sums, 1, prepare, finishNothing, &job);
        job.isBegun = half.depth > 0, job.isFetched = isFetched;
        x = operandFrom(half.depth, &x);
        step->awaitRest(step->waiter);
      }
      if (step->hoisted) {
        multiplyPanel(rows, 1, &h, &packed, sums, 1, prepare, finish, &job);
      } else if (cell != GRU && isSideBySide && !waits) {
        const Operand xh = {.z = x.z, .stride = x.stride, .depth = x.depth + states};
        multiplyPanel(rows, 1, &xh, &packed, sums, 1, prepare, finish, &job);
      } else {
        const Operand both[2] = {x, h};
        multiplyPanel(rows, 2, both, &packed, sums, 1, prepare, finish, &job);
      }
      waits = 0;
    }
  }
}

/// What a member waits for with the product under way: the rest of the row of a turn.
typedef struct {
  const RecurraRowMember *member;
  ptrdiff_t turn;
  float *y;  // where the row goes next, but for that of the turn `written`; NULL where another writes them
  ptrdiff_t yStep, units, written;
} RowTurn;

static void awaitRow(void *waiter) {
  RowTurn *rest = waiter;
  recurra_row_take_rest(rest->member, rest->turn);
  if (!rest->y || rest->turn == rest->written) return;
  memcpy(rest->y, recurra_row(rest->member, rest->turn), (size_t)rest->units * sizeof(float));
  rest->y += rest->yStep, rest->written = rest->turn;
}

/// Does steps that follow each other; returns how many.
INLINE ptrdiff_t forwardSteps(
  enum Cell cell, const RecurraForwardStep *first, PrepareSums *prepare, FinishSums *finish
) {
  RecurraForwardStep step = *first;
  RowTurn rest = {first->member, first->turn, NULL, first->yStep, first->units, first->turn};
  if (step.member) {
    step.waiter = &rest, step.ready = step.member->parts[step.member->rank + 1];
    // The first, who has the least to do, writes out whole rows: lines that several write hold up what they hand over.
    if (step.member->rank == 0) rest.y = step.y;
    step.y = NULL;
  }
  ptrdiff_t left = first->steps;
  for (;;) {
    // The first row of all has been there from the beginning.
    if (rest.member && rest.turn > 0) step.awaitRest = awaitRow;
    forwardStep(cell, &step, prepare, finish);
    left--, rest.turn++;
    if ((rest.member && !recurra_row_hand_over(rest.member, rest.turn)) || left <= 0) break;
    float *const h = (float *)step.h, *const c = (float *)step.c;
    step.h = step.hNext, step.hNext = h, step.c = step.cNext, step.cNext = c;
    step.descending = !step.descending, step.fromZeros = 0;
    if (step.x) step.x += step.xStep;
    if (step.y) step.y += step.yStep;
    step.init += step.initStep;
    if (step.initRows) step.initRows += step.initRowsStep;
    const int hasNext = left > 1 || first->goesOn;
    step.xAhead = step.xAhead && hasNext ? step.xAhead + step.xStep : NULL;
    step.initRowsAhead = step.initRowsAhead && hasNext ? step.initRowsAhead + step.initRowsStep : NULL;
  }
  if (rest.y) awaitRow(&rest);
  return first->steps - left;
}

/// Does the gates alone, on pre-activations that are complete.
INLINE void forwardGates(enum Cell cell, const RecurraForwardStep *step) {
  enum { together = 6 };
  const ptrdiff_t units = step->units;
  _Alignas(64) float sums[together * sumsWidth + 4 * WIDTH];
  for (ptrdiff_t first = 0; first < step->rows; first += together) {
    const ptrdiff_t rows = smaller(together, step->rows - first);
    for (ptrdiff_t unit = 0; unit < units; unit += panelUnits(cell)) {
      const ptrdiff_t count = smaller(panelUnits(cell), units - unit);
      const Beginnings init = {step->init, step->initStride, first, step->initRows};
      fillSums(cell, 0, slotCount(cell), &init, units, unit, count, rows, sums);
      applyGates(count, cell, step, first, rows, unit, sums);
    }
  }
}
