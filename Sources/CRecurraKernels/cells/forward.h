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
  const Columns columns = columnsOf(cell);
  const ptrdiff_t units = step->units, inputs = step->inputs, states = step->fromZeros ? 0 : units;
  const ptrdiff_t depth = inputs + units, size = panelStart(columns, 1, depth);
  // Laid down in one row, [x, h] is one operand.
  const int isSideBySide =
    !isHoisted(step) && step->h.base == step->x.base + inputs && step->h.stride == step->x.stride;
  int waits = step->rest.await && !step->fromZeros;
  const enum Distance where = distanceOf(packedSize(columns, depth, units));
  const ptrdiff_t blocks = rowBlocks(step->rows, where);
  float *const sums = step->scratch;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = step->rows * block / blocks, rows = step->rows * (block + 1) / blocks - first;
    const Operand operands[2] = {
      {.z = elementAt(step->x, first, 0), .stride = step->x.stride, .depth = inputs},
      {.z = elementAt(step->h, first, 0), .stride = step->h.stride, .depth = states, .first = inputs}};
    for (ptrdiff_t index = step->panels.begin; index < step->panels.end; index++) {
      const int isLast = index + 1 == step->panels.end;
      const ptrdiff_t panel = step->descending ? step->panels.begin + step->panels.end - 1 - index : index;
      const ptrdiff_t unit = panel * columns.panelUnits, count = smaller(columns.panelUnits, units - unit);
      const float *weights = step->packed + panel * size;
      // By turns up and down: the next step begins with the panel that this one ends with.
      const float *next = isLast ? weights : step->descending ? weights - size : weights + size;
      const Panel packed = panelOf(columns.groups * count, weights, next, depth, where);
      const int isFetched = index == step->panels.begin && states > 0 && sharesUnits(cell, step);
      ForwardPanel job = {step, first, unit, count, isFetched && !waits, 0};
      Operand x = operands[0], h = operands[1];
      h.column = groupsApart(columns) * count;
      if (waits) {
        // Half of the inputs are multiplied before the other threads are waited for; with the other half comes what
        // they have made.
        Operand half = x;
        half.depth = isHoisted(step) ? 0 : x.depth / 2;
        if (half.depth > 0) multiplyPanel(rows, 1, &half, &packed, sums, 1, prepare, finishNothing, &job);
        job.isBegun = half.depth > 0, job.isFetched = isFetched;
        x = operandFrom(half.depth, &x);
        step->rest.await(step->rest.waiter);
      }
      if (isHoisted(step)) {
        multiplyPanel(rows, 1, &h, &packed, sums, 1, prepare, finish, &job);
      } else if (!groupsApart(columns) && isSideBySide && !waits) {
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
  const RecurraRun run = first->run;
  RecurraForwardStep step = *first;
  RowTurn rest = {first->member, first->turn, NULL, run.y, first->units, first->turn};
  if (step.member) {
    step.rest.waiter = &rest, step.rest.ready = step.member->parts[step.member->rank + 1];
    // The first, which has the least to do, writes out whole rows: lines that several write hold up what they hand
    // over.
    if (step.member->rank == 0) rest.y = step.y.base;
    step.y.base = NULL;
  }
  ptrdiff_t left = run.steps;
  for (;;) {
    step.run.isFollowed = left > 1 || run.isFollowed;
    // The first row of all has been there since the call began.
    if (rest.member && rest.turn > 0) step.rest.await = awaitRow;
    forwardStep(cell, &step, prepare, finish);
    left--, rest.turn++;
    if ((rest.member && !recurra_row_hand_over(rest.member, rest.turn)) || left <= 0) break;
    const RecurraRows h = step.h, c = step.c;
    step.h = step.hNext, step.hNext = h, step.c = step.cNext, step.cNext = c;
    step.descending = !step.descending, step.fromZeros = 0;
    if (step.x.base) step.x.base += run.x;
    if (step.y.base) step.y.base += run.y;
    step.init.base += run.init;
    if (step.initRows) step.initRows += run.initRows;
  }
  if (rest.y) awaitRow(&rest);
  return run.steps - left;
}

/// Does the gates alone, on pre-activations that are complete.
INLINE void forwardGates(enum Cell cell, const RecurraForwardStep *step) {
  enum { together = 6 };
  const Columns columns = columnsOf(cell);
  const ptrdiff_t units = step->units;
  _Alignas(64) float sums[together * sumsWidth + 4 * WIDTH];
  for (ptrdiff_t first = 0; first < step->rows; first += together) {
    const ptrdiff_t rows = smaller(together, step->rows - first);
    for (ptrdiff_t unit = 0; unit < units; unit += columns.panelUnits) {
      const ptrdiff_t count = smaller(columns.panelUnits, units - unit);
      const InitRows init = {step->init, first, step->initRows};
      fillSums(columns, 0, columns.slots, &init, units, unit, count, rows, sums);
      applyGates(count, cell, step, first, rows, unit, sums);
    }
  }
}
