// One step of a layer by a set of kernels, forward and back, in the pieces that a call may be cut into.

static int failures;

static void expect(int condition, const char *isa, const Case *k, const char *what) {
  if (condition) return;
  failures++;
  if (failures <= 40)
    printf(
      "FAIL %s %s rows %td inputs %td units %td: %s\n", isa, cellNames[k->cell], k->rows, k->inputs, k->units,
      what);
}

static int near(Matrix got, Matrix wanted, double tolerance) {
  for (ptrdiff_t row = 0; row < got.rows; row++)
    for (ptrdiff_t column = 0; column < got.columns; column++)
      if (!(fabs((double)at(got, row, column) - (double)at(wanted, row, column)) <= tolerance)) return 0;
  return 1;
}

typedef struct {
  Matrix h, c, y, gates;
} Forward;

typedef struct {
  Matrix gates, dc, carry;
} Backward;

static void freeForward(Forward *f) { freeMatrix(&f->h), freeMatrix(&f->c), freeMatrix(&f->y), freeMatrix(&f->gates); }
static void freeBackward(Backward *b) { freeMatrix(&b->gates), freeMatrix(&b->dc), freeMatrix(&b->carry); }

enum { FUSED, HOISTED, LOOKED_UP, GATES_ONLY };

/// What arrives in the course of a step: h.
typedef struct {
  Matrix to;
  const float *from;
  ptrdiff_t stride;
  int arrivals;
} Arrival;

static void arrive(void *context) {
  Arrival *arrival = context;
  for (ptrdiff_t row = 0; row < arrival->to.rows; row++)
    memcpy(
      arrival->to.data + row * arrival->to.stride, arrival->from + row * arrival->stride,
      (size_t)arrival->to.columns * sizeof(float));
  arrival->arrivals++;
}

/// Runs rows [first, first + rows) with the panels cut into ranges of `step`.
static Forward forward(
  const RecurraKernels *kernels, const Case *k, const float *packed, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t cut,
  int mode, int training, int fromZeros
) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  const ptrdiff_t units = k->units, panels = cell->forwardPanels(units);
  Forward f = {makeMatrix(rows, units, 1), makeMatrix(rows, units, 2), makeMatrix(rows, units, 5),
               makeMatrix(rows, slotsOf(k->cell) * units, 3)};
  // Neither the order of the panels nor how many a row takes together may show.
  RecurraForwardStep step = {
    .descending = (int)(first + cut) & 1, .pairs = training, .rows = rows, .inputs = k->inputs, .units = units,
    .x = k->x.data + first * k->x.stride, .xStride = k->x.stride, .fromZeros = fromZeros,
    .h = k->h.data + first * k->h.stride, .hStride = k->h.stride, .init = k->bias.data, .packed = packed,
    .c = k->c.data + first * k->c.stride, .cStride = k->c.stride, .cNext = f.c.data, .cNextStride = f.c.stride,
    .hNext = f.h.data, .hNextStride = f.h.stride, .y = training ? f.y.data : NULL, .yStride = f.y.stride,
    .gates = training ? f.gates.data : NULL, .gatesStride = f.gates.stride,
    .scratch = scratchFor(kernels, rows)};
  if (training) {
    step.xAhead = step.x, step.xAheadStride = step.xStride;
    step.ahead[0] = (RecurraAhead){f.gates.data, rows * f.gates.stride};
    step.ahead[2] = (RecurraAhead){f.y.data, rows * f.y.stride};
  }
  if (mode == GATES_ONLY) {
    step.init = k->sums.data + first * k->sums.stride, step.initStride = k->sums.stride, step.packed = NULL;
    cell->forwardGates(&step);
    free(step.scratch);
    return f;
  }
  Matrix table = makeMatrix(rows, slotsOf(k->cell) * units, 3);
  int32_t *places = malloc((size_t)rows * sizeof *places);
  for (ptrdiff_t row = 0; row < rows; row++) places[row] = (int32_t)(rows - 1 - row);
  Matrix h = makeMatrix(rows, units, 4);
  const int isLate = first > 0 || cut == panels;
  for (ptrdiff_t begin = 0; begin < panels; begin += cut) {
    const ptrdiff_t end = begin + cut < panels ? begin + cut : panels;
    Arrival arrival = {h, step.h, step.hStride, 0};
    if (isLate) {
      // What is not ready is poison until it arrives; nothing at all may be ready, or everything.
      const ptrdiff_t ready = rows == 1 ? (begin + cut + k->inputs) % (units + 1) : 0;
      for (ptrdiff_t row = 0; row < rows; row++)
        for (ptrdiff_t unit = 0; unit < units; unit++)
          h.data[row * h.stride + unit] = unit < ready || fromZeros ? step.h[row * step.hStride + unit] : NAN;
      step.h = h.data, step.hStride = h.stride, step.ready = ready, step.awaitRest = arrive, step.waiter = &arrival;
    }
    if (mode == LOOKED_UP) {
      // The last row first: every row has to be looked for.
      cell->product(&(RecurraProduct){
        .rows = rows, .inputs = k->inputs, .units = units, .panelBegin = begin, .panelEnd = end,
        .x = step.x + (rows - 1) * step.xStride, .xStride = -step.xStride, .init = k->bias.data, .packed = packed,
        .out = table.data, .outStride = table.stride, .scratch = step.scratch});
      step.init = table.data, step.initStride = table.stride, step.hoisted = 1, step.x = NULL;
      step.initRows = step.initRowsAhead = places;
    } else if (mode == HOISTED) {
      // Into the gate buffer itself: forward may overwrite its own init.
      cell->product(&(RecurraProduct){
        .rows = rows, .inputs = k->inputs, .units = units, .panelBegin = begin, .panelEnd = end, .x = step.x,
        .xStride = step.xStride, .init = k->bias.data, .packed = packed, .out = f.gates.data,
        .outStride = f.gates.stride, .scratch = step.scratch});
      step.init = f.gates.data, step.initStride = f.gates.stride, step.hoisted = 1, step.x = NULL;
    }
    step.panelBegin = begin, step.panelEnd = end;
    cell->forward(&step);
    expect(arrival.arrivals == (step.awaitRest && !fromZeros), "any", k, "h is waited for once");
    step.x = k->x.data + first * k->x.stride, step.h = k->h.data + first * k->h.stride, step.hStride = k->h.stride;
  }
  freeMatrix(&table), freeMatrix(&h), free(places), free(step.scratch);
  return f;
}

static Backward backward(
  const RecurraKernels *kernels, const Case *k, const float *packed, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t cut,
  ptrdiff_t productRows, int gatesOnly
) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  const ptrdiff_t units = k->units, panels = cell->backwardPanels(units);
  Matrix gates = k->gates, dc = k->dc, carry = gatesOnly ? k->dh : k->dhCarry;
  gates.data += first * gates.stride, dc.data += first * dc.stride, carry.data += first * carry.stride;
  gates.rows = dc.rows = carry.rows = rows;
  Backward b = {copyMatrix(gates), copyMatrix(dc), copyMatrix(carry)};
  RecurraBackwardStep step = {
    .rows = rows, .units = units, .productRows = productRows - first,
    .dgatesNext = k->dgatesNext.data + first * k->dgatesNext.stride, .dgatesNextStride = k->dgatesNext.stride,
    .packed = packed, .dy = gatesOnly ? NULL : k->dy.data + first * k->dy.stride, .dyStride = k->dy.stride,
    .dhCarry = b.carry.data, .dhCarryStride = b.carry.stride, .dc = b.dc.data, .dcStride = b.dc.stride,
    .gates = b.gates.data, .gatesStride = b.gates.stride, .c = k->cNext.data + first * k->cNext.stride,
    .cStride = k->cNext.stride, .cPrevious = k->c.data + first * k->c.stride, .cPreviousStride = k->c.stride,
    .h = k->hNext.data + first * k->hNext.stride, .hStride = k->hNext.stride,
    .hPrevious = k->h.data + first * k->h.stride, .hPreviousStride = k->h.stride,
    .scratch = scratchFor(kernels, rows)};
  step.dyAhead = step.dy, step.ahead[0] = (RecurraAhead){b.gates.data, rows * b.gates.stride};
  if (gatesOnly) {
    cell->backwardGates(&step);
    free(step.scratch);
    return b;
  }
  for (ptrdiff_t begin = 0; begin < panels; begin += cut) {
    step.panelBegin = begin, step.panelEnd = begin + cut < panels ? begin + cut : panels;
    cell->backward(&step);
  }
  free(step.scratch);
  return b;
}

static int sameForward(Cell cell, Forward a, Forward b, ptrdiff_t first, ptrdiff_t rows) {
  return sameBits(a.h, b.h, first, rows) && (cell != LSTM || sameBits(a.c, b.c, first, rows));
}

static int sameBackward(Cell cell, Backward a, Backward b, ptrdiff_t first, ptrdiff_t rows) {
  return sameBits(a.gates, b.gates, first, rows) && sameBits(a.carry, b.carry, first, rows) &&
         (cell != LSTM || sameBits(a.dc, b.dc, first, rows));
}
