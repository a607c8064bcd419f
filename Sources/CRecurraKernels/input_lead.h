// The product of a single row's inputs, some steps ahead of the row.
//
// The second cache hands a row's weights U over at half the pace of its multiplications. The inputs of the next steps
// are there, and have rows enough to fill the other half: every step takes a slice of their product along, woven into
// its own. Each sum is the same chain as ever.

/// Steps whose inputs are multiplied together, in as many slices: their sums and those of the row fill the registers.
enum { leadSteps = 5 };

/// Where a panel is one strip, of registers of 512 bits; among 16 narrower ones there would be room for two steps.
enum { hasLead = STRIP * WIDTH == sumsWidth };

typedef struct {
  /// The inputs' sums of the steps at hand, complete, and of the next steps: [panel][step][sumsWidth].
  float *now, *next;
  /// The inputs of the first of the next steps.
  const float *x;
  /// The step's place among the steps at hand, their number, and that of the next steps.
  ptrdiff_t place, steps, nextSteps;
  /// All steps from the next ones on.
  ptrdiff_t left;
} Lead;

/// Floats for the sums of some panels, twice, and what a load of the last may reach beyond them.
static size_t leadSize(ptrdiff_t panels) {
  return hasLead ? (size_t)(2 * panels * leadSteps * sumsWidth + 4 * WIDTH) : 0;
}

/// A panel's place in the sums of some steps.
INLINE float *leadSums(const RecurraForwardStep *step, float *sums, ptrdiff_t panel) {
  return sums + (panel - step->panelBegin) * leadSteps * sumsWidth;
}

/// A part of a panel's product for the next steps.
typedef struct {
  ptrdiff_t unit, count, begin, end;
  const float *weights;
  float *sums;
} Slice;

/// The slice of a panel that goes with a step.
INLINE Slice sliceOf(enum Cell cell, const RecurraForwardStep *step, const Lead *lead, ptrdiff_t panel) {
  const ptrdiff_t inputs = step->inputs, unit = panel * panelUnits(cell);
  return (Slice){
    unit, smaller(panelUnits(cell), step->units - unit), inputs * lead->place / lead->steps,
    inputs * (lead->place + 1) / lead->steps, step->packed + forwardPanel(cell, panel, inputs, step->units),
    leadSums(step, lead->next, panel)};
}

/// Begins the sums of a slice with the bias if it is the first.
INLINE void beginSlice(enum Cell cell, const RecurraForwardStep *step, const Slice *slice, ptrdiff_t rows) {
  const Beginnings bias = {step->init, 0, 0, NULL};
  if (slice->begin == 0)
    fillSums(cell, 0, gateCount(cell), &bias, step->units, slice->unit, slice->count, rows, slice->sums);
}

/// Multiplies what is left of a slice. The GRU's nh has no inputs, and is set when their padding has been over it.
INLINE void endSlice(
  enum Cell cell, const RecurraForwardStep *step, const float *x, const Slice *slice, ptrdiff_t begin, ptrdiff_t rows
) {
  const ptrdiff_t floats = panelFloats(cell, slice->count);
  const Beginnings bias = {step->init, 0, 0, NULL};
  if (begin < slice->end) {
    TileStart start;
    beginInSums(rows, slice->sums, &start);
    tiles[floats / WIDTH - 1][rows - 1](
      x + begin, step->xStep, slice->end - begin, slice->weights + begin * floats, 0, &start, 0, slice->sums,
      (Ahead){NULL, 0});
  }
  if (cell == GRU && slice->end == step->inputs)
    fillSums(cell, 3, 4, &bias, step->units, slice->unit, slice->count, rows, slice->sums);
}

/// Multiplies the slices of some panels by themselves.
INLINE void multiplySlices(
  enum Cell cell, const RecurraForwardStep *step, const Lead *lead, ptrdiff_t panel, ptrdiff_t count
) {
  for (; lead->nextSteps > 0 && count > 0; panel++, count--) {
    const Slice slice = sliceOf(cell, step, lead, panel);
    beginSlice(cell, step, &slice, lead->nextSteps);
    endSlice(cell, step, lead->x, &slice, slice.begin, lead->nextSteps);
  }
}

/// Adds h * U to a row's sums, and x * W to those of the next steps: a depth of x for every few of h.
INLINE void wovenBody(
  const int vectors, const float *h, ptrdiff_t units, const float *weights, float *sums, const float *x,
  ptrdiff_t xStride, ptrdiff_t depth, const float *inputWeights, float *nextSums
) {
  Vector sum[4], next[leadSteps * 4];
  EACH(v, 0, vectors) sum[v] = load(sums + v * WIDTH);
  EACH(row, 0, leadSteps) EACH(v, 0, vectors)
    next[row * vectors + v] = load(nextSums + row * sumsWidth + v * WIDTH);
  const TileOperands inputs = tileOperands(leadSteps, 1, x, xStride, inputWeights, 0);
#define OWN(k)                                                                          \
  do {                                                                                  \
    const Vector value = broadcast(h[k]);                                               \
    EACH(v, 0, vectors) sum[v] = fma(value, load(weights + ((k)*vectors + v) * WIDTH), sum[v]); \
  } while (0)
  ptrdiff_t k = 0;
  for (ptrdiff_t column = 0; column < depth; column++, k += leadSteps) {
    Vector weight[4];
    EACH(v, 0, vectors) weight[v] = load(inputWeights + (column * vectors + v) * WIDTH);
    EACH(row, 0, leadSteps) {
      OWN(k + row);
      const Vector value = broadcast(inputs.row[row][column]);
      EACH(v, 0, vectors) next[row * vectors + v] = fma(value, weight[v], next[row * vectors + v]);
    }
  }
  for (; k < units; k++) OWN(k);
#undef OWN
  EACH(v, 0, vectors) store(sums + v * WIDTH, sum[v]);
  EACH(row, 0, leadSteps) EACH(v, 0, vectors)
    store(nextSums + row * sumsWidth + v * WIDTH, next[row * vectors + v]);
}

#define WOVEN_PARAMETERS                                                                                     \
  const float *h, ptrdiff_t units, const float *weights, float *sums, const float *x, ptrdiff_t xStride,     \
    ptrdiff_t depth, const float *inputWeights, float *nextSums
#define WOVEN(vectors)                                                                                       \
  static void woven_##vectors(WOVEN_PARAMETERS) {                                                            \
    wovenBody(vectors, h, units, weights, sums, x, xStride, depth, inputWeights, nextSums);                  \
  }
WOVEN(3)
WOVEN(4)

/// Multiplies a panel by h, and its slice along with it. Returns whether that could be done: not for the last, narrow
/// panel, nor where there are fewer steps.
INLINE int multiplyWithSlice(
  enum Cell cell, const RecurraForwardStep *step, const Lead *lead, ptrdiff_t panel, float *sums
) {
  const Slice slice = sliceOf(cell, step, lead, panel);
  if (step->fromZeros || lead->nextSteps < leadSteps || slice.count < panelUnits(cell)) return 0;
  const ptrdiff_t units = step->units, floats = panelFloats(cell, slice.count);
  const ptrdiff_t depth = smaller(slice.end - slice.begin, units / leadSteps);
  beginSlice(cell, step, &slice, leadSteps);
  (cell == GRU ? woven_3 : woven_4)(
    step->h, units, slice.weights + step->inputs * floats, sums + (cell == GRU ? slice.count : 0),
    lead->x + slice.begin, step->xStep, depth, slice.weights + slice.begin * floats, slice.sums);
  endSlice(cell, step, lead->x, &slice, slice.begin + depth, leadSteps);
  return 1;
}

/// Goes on to the next step.
INLINE void advanceLead(const RecurraForwardStep *step, Lead *lead) {
  if (++lead->place < lead->steps) {
    // Inputs that come from afar are asked for before their turn, a row with every step.
    if (lead->place < lead->left - lead->nextSteps)
      fetch(lead->x + (lead->nextSteps + lead->place) * step->xStep, 0, 1, step->inputs, 0);
    return;
  }
  float *const done = lead->now;
  lead->now = lead->next, lead->next = done;
  lead->x += lead->nextSteps * step->xStep, lead->left -= lead->nextSteps;
  lead->place = 0, lead->steps = lead->nextSteps, lead->nextSteps = smaller(lead->left, leadSteps);
}

/// Makes the inputs' sums of the first steps, of `steps` in all.
INLINE Lead beginLead(enum Cell cell, const RecurraForwardStep *step, ptrdiff_t steps) {
  // The next steps of one before them all, with a single slice.
  Lead lead = {leadSums(step, step->lead, step->panelEnd), step->lead, step->x, 0, 1, smaller(steps, leadSteps), steps};
  multiplySlices(cell, step, &lead, step->panelBegin, step->panelEnd - step->panelBegin);
  advanceLead(step, &lead);
  return lead;
}
