// Times each kernel on one thread: GFLOP/s and its share of the roof measured in the same run.
// time [isa] [cell] [rows inputs units]: the best set, all cells and a grid of shapes by default. One row is held
// against the bandwidth of its weights.
#include "cases.h"

#include <time.h>

// Rows of the table that inputs are looked up in, and places to look at, one step after the other.
enum { steps = 4, tableRows = 4096, placeCount = 1 << 16 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
  const RecurraKernels *kernels;
  const RecurraCellKernels *cell;
  RecurraForwardStep fused, hoisted, lookedUp, gatesOnly;
  RecurraBackwardStep backward;
  RecurraProduct product;
  RecurraWeightGradient weightGradient;
  RecurraInputGradient inputGradient;
  float *h[2], *weights, *packed, *packedBackward, *packedInput;
  int32_t *places;
  ptrdiff_t place;
  const void *bytes;
  size_t byteCount;
} Bench;

static void runFused(Bench *b) {
  for (int t = 0; t < steps; t++) {
    b->fused.h.base = b->h[t & 1], b->fused.hNext.base = b->h[~t & 1];
    b->cell->forward(&b->fused);
  }
}
static void runHoisted(Bench *b) {
  for (int t = 0; t < steps; t++) {
    b->hoisted.h.base = b->h[t & 1], b->hoisted.hNext.base = b->h[~t & 1];
    b->cell->forward(&b->hoisted);
  }
}
static void runLookedUp(Bench *b) {
  for (int t = 0; t < steps; t++) {
    b->lookedUp.h.base = b->h[t & 1], b->lookedUp.hNext.base = b->h[~t & 1];
    b->place = (b->place + b->lookedUp.rows) % (placeCount - 2 * b->lookedUp.rows);
    b->lookedUp.initRows = b->places + b->place;
    b->cell->forward(&b->lookedUp);
  }
}
static void runGates(Bench *b) {
  for (int t = 0; t < steps; t++) b->cell->forwardGates(&b->gatesOnly);
}
static void runBackward(Bench *b) {
  for (int t = 0; t < steps; t++) b->cell->backward(&b->backward);
}
static void runProduct(Bench *b) { b->cell->product(&b->product); }
static void runWeights(Bench *b) { b->kernels->matrix.weightGradient(&b->weightGradient); }
static void runInputs(Bench *b) { b->kernels->matrix.inputGradient(&b->inputGradient); }
static void runPack(Bench *b) {
  b->cell->packForward(b->fused.inputs, b->fused.units, b->weights, b->packed, 0, b->fused.panels.end);
}
static void runPackBackward(Bench *b) {
  b->cell->packBackward(b->fused.inputs, b->fused.units, b->weights, b->packedBackward, 0, b->backward.panels.end);
}

static volatile double sink;
static void runRead(Bench *b) { sink = b->kernels->readBurst(b->bytes, b->byteCount); }
static void runRoof(Bench *b) { sink = b->kernels->fmaBurst(20000); }

/// The least seconds of one call over repetitions worth about a fifth of a second.
static double least(void (*run)(Bench *), Bench *b) {
  run(b);
  double best = 1e9;
  for (double begin = now(); now() - begin < 0.15;) {
    double start = now();
    run(b);
    double end = now();
    if (end - start < best) best = end - start;
  }
  return best;
}

static float *randoms(size_t count, float scale) {
  static uint64_t state = 1;
  float *values = aligned(count);
  for (size_t index = 0; index < count; index++) values[index] = scale * randomFloat(&state);
  return values;
}

static void timeCase(const RecurraKernels *kernels, Cell which, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t units) {
  const RecurraCellKernels *cell = kernelsOf(kernels, which);
  const ptrdiff_t gates = gatesOf(which), slots = slotsOf(which), depth = inputs + units;
  const ptrdiff_t panels = cell->forwardPanels(units);
  const size_t state = (size_t)(rows * units), buffer = (size_t)(slots * rows * units);
  Bench b = {.kernels = kernels, .cell = cell};
  b.weights = randoms((size_t)(depth * gates * units), 1 / sqrtf((float)depth));
  b.packed = aligned(cell->packedForwardSize(inputs, units));
  b.packedBackward = aligned(cell->packedBackwardSize(units));
  b.packedInput = aligned(kernels->matrix.packedTransposeSize(inputs, gates * units));
  // The rows of a few steps stand for those of a whole sequence.
  const ptrdiff_t reduced = rows * steps < RECURRA_GRADIENT_DEPTH ? rows * steps : RECURRA_GRADIENT_DEPTH;
  float *z = randoms((size_t)(reduced * depth), 1);
  float *left = aligned(kernels->matrix.packedLeftSize(inputs, units, reduced));
  float *gradient = aligned((size_t)(depth * gates * units)), *dx = aligned((size_t)(rows * steps * inputs));
  float *x = randoms((size_t)(steps * rows * inputs), 1), *c = randoms(state, 1);
  float *bias = randoms((size_t)(slots * units), 1);
  float *init = randoms(buffer * steps, 1), *stored = randoms(buffer, 1), *next = randoms(buffer, 1);
  float *dy = randoms(state, 1), *carry = randoms(state, 0), *dc = randoms(state, 1);
  b.h[0] = randoms(state, 1), b.h[1] = randoms(state, 1);
  cell->packForward(inputs, units, b.weights, b.packed, 0, panels);
  cell->packBackward(inputs, units, b.weights, b.packedBackward, 0, cell->backwardPanels(units));
  const ptrdiff_t inputPanels = kernels->matrix.transposedPanels(inputs);
  kernels->matrix.packTranspose(inputs, gates * units, b.weights, b.packedInput, 0, inputPanels);
  kernels->matrix.packLeft(inputs, units, reduced, z, depth, left);
  b.weightGradient = (RecurraWeightGradient){
    .depth = reduced, .inputs = inputs, .units = units, .columns = gates * units,
    .panels = {0, kernels->matrix.leftPanels(inputs, units)}, .packedLeft = left, .right = {init, slots * units},
    .out = {gradient, gates * units}, .adds = 0};
  b.inputGradient = (RecurraInputGradient){
    .rowEnd = rows * steps, .inputs = inputs, .units = gates * units, .dgates = {init, slots * units},
    .packed = b.packedInput, .rowsPerStep = rows * steps, .out = dx, .rowStride = inputs};
  b.fused = (RecurraForwardStep){
    .rows = rows, .inputs = inputs, .units = units, .panels = {0, panels}, .x = {x, inputs}, .h = {NULL, units},
    .init = {bias, 0}, .packed = b.packed, .c = {c, units}, .cNext = {c, units}, .hNext = {NULL, units}};
  float *parameters = randoms((size_t)(3 * units), 1);
  b.fused.parameters = parameters;
  b.hoisted = b.fused;
  b.hoisted.init = (RecurraRows){init, slots * units}, b.hoisted.x = (RecurraRows){NULL, 0};
  float *table = randoms((size_t)(tableRows * slots * units), 1);
  uint64_t random = 5;
  b.places = malloc(placeCount * sizeof *b.places);
  for (int place = 0; place < placeCount; place++)
    b.places[place] = (int32_t)((randomFloat(&random) + 1) * 0.4999f * tableRows);
  b.lookedUp = b.hoisted, b.lookedUp.init.base = table;
  b.gatesOnly = b.hoisted, b.gatesOnly.h.base = b.h[0], b.gatesOnly.hNext.base = b.h[1];
  b.product = (RecurraProduct){
    .rows = rows * steps, .inputs = inputs, .units = units, .panels = {0, panels}, .x = {x, inputs},
    .init = {bias, 0}, .packed = b.packed, .out = {init, slots * units}};
  b.backward = (RecurraBackwardStep){
    .rows = rows, .units = units, .panels = {0, cell->backwardPanels(units)}, .productRows = rows,
    .dgatesNext = {next, slots * units}, .packed = b.packedBackward, .dy = {dy, units}, .dhCarry = {carry, units},
    .dc = {dc, units}, .gates = {stored, slots * units}, .c = {c, units}, .cPrevious = {c, units}, .h = {c, units},
    .hPrevious = {c, units}, .parameters = parameters};
  float *scratch = scratchFor(kernels, rows * steps);
  b.fused.scratch = b.hoisted.scratch = b.lookedUp.scratch = b.product.scratch = b.backward.scratch = scratch;
  b.inputGradient.scratch = scratch;
  float *gradientScratch =
    scratchOf(kernels->matrix.gradientScratchSize(b.weightGradient.depth, b.weightGradient.panels.end));
  b.weightGradient.scratch = gradientScratch;
  b.bytes = b.packed, b.byteCount = cell->packedForwardSize(inputs, units) * sizeof(float);

  const unsigned control = recurra_fp_enter();
  const double roof = 20000 * (kernels->fmaBurst(1)) / least(runRoof, &b) * 1e-9;
  const double flops = 2.0 * (double)(gates * units * rows * steps);
  const struct {
    const char *name;
    void (*run)(Bench *);
    double flops;
  } jobs[] = {{"fused", runFused, flops * (double)depth},     {"hoisted", runHoisted, flops * (double)units},
              {"looked up", runLookedUp, flops * (double)units},
              {"product", runProduct, flops * (double)inputs}, {"backward", runBackward, flops * (double)units},
              {"dW", runWeights, 2.0 * (double)(reduced * depth * gates * units)},
              {"dx", runInputs, flops * (double)inputs}};
  printf("%-4s %3td %4td %4td | roof %5.1f |", cellNames[which], rows, inputs, units, roof);
  double fusedSeconds = 0;
  for (int job = 0; job < 7; job++) {
    const double seconds = least(jobs[job].run, &b), rate = jobs[job].flops / seconds * 1e-9;
    if (job == 0) fusedSeconds = seconds;
    printf(" %s %5.1f %3.0f%% |", jobs[job].name, rate, 100 * rate / roof);
  }
  printf(" gates %4.1f%% |", 100 * least(runGates, &b) / fusedSeconds);
  if (rows == 1) {
    const double read = (double)b.byteCount / least(runRead, &b) * 1e-9;
    const double weights = (double)b.byteCount * steps / fusedSeconds * 1e-9;
    printf(" read %.0f of %.0f GB/s %3.0f%% |", weights, read, 100 * weights / read);
  }
  const double packBytes = (double)b.byteCount * 1e-9;
  const double packBackwardBytes = packBytes * (double)units / (double)depth;
  printf(
    " pack %.1f, %.1f GB/s\n", packBytes / least(runPack, &b), packBackwardBytes / least(runPackBackward, &b));
  fflush(stdout);
  recurra_fp_leave(control);
  float *all[] = {b.weights, b.packed, b.packedBackward, x, c, bias, init, stored, next, dy, carry, dc, b.h[0], b.h[1],
                  b.packedInput, z, left, gradient, dx, table, scratch,
                  gradientScratch, parameters};
  free(b.places);
  for (size_t index = 0; index < sizeof all / sizeof *all; index++) free(all[index]);
}

int main(int count, char **arguments) {
  const RecurraKernels *kernels = count > 1 ? recurra_kernels_named(arguments[1]) : recurra_kernels_best();
  if (!kernels) return 1;
  printf("%s, single thread; GFLOP/s and share of the FMA roof\n", kernels->name);
  static const ptrdiff_t shapes[][2] = {{60, 100}, {256, 256}, {512, 512}, {1024, 1024}};
  static const ptrdiff_t rows[] = {64, 32, 16, 1};
  for (Cell cell = RNN; cell < cellCount; cell++) {
    if (count > 2 && strcmp(arguments[2], cellNames[cell]) != 0) continue;
    if (count > 5) timeCase(kernels, cell, atol(arguments[3]), atol(arguments[4]), atol(arguments[5]));
    for (int shape = 0; count <= 5 && shape < 4; shape++)
      for (int row = 0; row < 4; row++) timeCase(kernels, cell, rows[row], shapes[shape][0], shapes[shape][1]);
  }
  return 0;
}
