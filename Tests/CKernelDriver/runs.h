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
  RecurraRows from;
  int arrivals;
} Arrival;

static void arrive(void *context) {
  Arrival *arrival = context;
  for (ptrdiff_t row = 0; row < arrival->to.rows; row++)
    memcpy(
      arrival->to.data + row * arrival->to.stride, arrival->from.base + row * arrival->from.stride,
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
    .x = rowsFrom(k->x, first), .fromZeros = fromZeros,
    .h = rowsFrom(k->h, first), .init = {k->bias.data, 0}, .packed = packed,
    .c = rowsFrom(k->c, first), .cNext = rowsFrom(f.c, 0),
    .hNext = rowsFrom(f.h, 0), .y = {training ? f.y.data : NULL, f.y.stride},
    .gates = {training ? f.gates.data : NULL, f.gates.stride}, .parameters = k->parameters.data,
    .scratch = scratchFor(kernels, rows)};
  if (mode == GATES_ONLY) {
    step.init = rowsFrom(k->sums, first), step.packed = NULL;
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
    Arrival arrival = {h, step.h, 0};
    if (isLate) {
      // What is not ready is poison until it arrives; nothing at all may be ready, or everything.
      const ptrdiff_t ready = rows == 1 ? (begin + cut + k->inputs) % (units + 1) : 0;
      for (ptrdiff_t row = 0; row < rows; row++)
        for (ptrdiff_t unit = 0; unit < units; unit++)
          h.data[row * h.stride + unit] = unit < ready || fromZeros ? step.h.base[row * step.h.stride + unit] : NAN;
      step.h = rowsFrom(h, 0), step.rest = (RecurraRest){arrive, &arrival, ready};
    }
    if (mode == LOOKED_UP) {
      // The last row first: every row has to be looked for.
      cell->product(&(RecurraProduct){
        .rows = rows, .inputs = k->inputs, .units = units, .panels = {begin, end},
        .x = {step.x.base + (rows - 1) * step.x.stride, -step.x.stride}, .init = {k->bias.data, 0}, .packed = packed,
        .out = rowsFrom(table, 0), .scratch = step.scratch});
      step.init = rowsFrom(table, 0), step.x = (RecurraRows){NULL, 0};
      step.initRows = places;
    } else if (mode == HOISTED) {
      // Into the gate buffer itself: forward may overwrite its own init.
      cell->product(&(RecurraProduct){
        .rows = rows, .inputs = k->inputs, .units = units, .panels = {begin, end}, .x = step.x,
        .init = {k->bias.data, 0}, .packed = packed, .out = rowsFrom(f.gates, 0), .scratch = step.scratch});
      step.init = rowsFrom(f.gates, 0), step.x = (RecurraRows){NULL, 0};
    }
    step.panels.begin = begin, step.panels.end = end;
    cell->forward(&step);
    expect(arrival.arrivals == (step.rest.await && !fromZeros), "any", k, "h is waited for once");
    step.x = rowsFrom(k->x, first), step.h = rowsFrom(k->h, first);
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
    .dgatesNext = rowsFrom(k->dgatesNext, first),
    .packed = packed, .dy = {gatesOnly ? NULL : k->dy.data + first * k->dy.stride, k->dy.stride},
    .dhCarry = rowsFrom(b.carry, 0), .dc = rowsFrom(b.dc, 0),
    .gates = rowsFrom(b.gates, 0), .c = rowsFrom(k->cNext, first), .cPrevious = rowsFrom(k->c, first),
    .h = rowsFrom(k->hNext, first),
    .hPrevious = rowsFrom(k->h, first), .parameters = k->parameters.data,
    .scratch = scratchFor(kernels, rows)};
  if (gatesOnly) {
    cell->backwardGates(&step);
    free(step.scratch);
    return b;
  }
  for (ptrdiff_t begin = 0; begin < panels; begin += cut) {
    step.panels.begin = begin, step.panels.end = begin + cut < panels ? begin + cut : panels;
    cell->backward(&step);
  }
  free(step.scratch);
  return b;
}

static int sameForward(Cell cell, Forward a, Forward b, ptrdiff_t first, ptrdiff_t rows) {
  return sameBits(a.h, b.h, first, rows) && (!hasMemory(cell) || sameBits(a.c, b.c, first, rows));
}

static int sameBackward(Cell cell, Backward a, Backward b, ptrdiff_t first, ptrdiff_t rows) {
  return sameBits(a.gates, b.gates, first, rows) && sameBits(a.carry, b.carry, first, rows) &&
         (!hasMemory(cell) || sameBits(a.dc, b.dc, first, rows));
}
