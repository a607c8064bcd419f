// Steps that follow each other: in one call, and by threads that make a row together, against a call for each.
#include <pthread.h>
#include <sched.h>

/// Steps of a walk.
static ptrdiff_t stepsOf(ptrdiff_t rows) { return rows == 1 ? 13 : 7; }

/// What a way of going through the steps leaves behind: y of all of them, and the last states.
typedef struct {
  Matrix y, h, c;
} Walk;

enum { INPUT_IN_LOOP, INPUT_HOISTED, INPUT_LOOKED_UP };

/// The beginning of a walk over the rows of x as timesteps, step after step those of all sequences. State buffers come
/// in pairs.
static RecurraForwardStep beginWalk(
  const Case *k, const float *packed, ptrdiff_t rows, int input, const Matrix *h, const Matrix *c, Matrix y,
  Matrix table, const int32_t *places
) {
  RecurraForwardStep step = {
    .rows = rows, .inputs = k->inputs, .units = k->units, .run = {.steps = stepsOf(rows), .y = rows * y.stride},
    .fromZeros = 1, .packed = packed, .parameters = k->parameters.data,
    .init = {k->bias.data, 0}, .h = rowsFrom(h[0], 0), .hNext = rowsFrom(h[1], 0),
    .c = rowsFrom(c[0], 0), .cNext = rowsFrom(c[1], 0),
    .y = rowsFrom(y, 0)};
  if (input == INPUT_IN_LOOP) {
    step.x = rowsFrom(k->x, 0), step.run.x = rows * k->x.stride;
  } else {
    step.init = rowsFrom(table, 0);
    if (input == INPUT_LOOKED_UP)
      step.initRows = places, step.run.initRows = rows;
    else
      step.run.init = rows * table.stride;
  }
  return step;
}

/// The same for one step of it.
static void pickStep(RecurraForwardStep *step, ptrdiff_t index, const Matrix *h, const Matrix *c) {
  step->run.steps = 1, step->fromZeros = index == 0, step->descending = (int)(index & 1);
  step->h = rowsFrom(h[index & 1], 0), step->hNext = rowsFrom(h[!(index & 1)], 0);
  step->c = rowsFrom(c[index & 1], 0), step->cNext = rowsFrom(c[!(index & 1)], 0);
  step->y.base += index * step->run.y, step->init.base += index * step->run.init;
  if (step->x.base) step->x.base += index * step->run.x;
  if (step->initRows) step->initRows += index * step->run.initRows;
}

typedef struct {
  const RecurraCellKernels *cell;
  RecurraForwardStep step;
  ptrdiff_t done;
} MemberWalk;

static void awaitTurn(void *waiter, const int32_t *place, int32_t turn) {
  (void)waiter;
  // Others share the processors: to spin would keep the member away that is waited for.
  while (!recurra_row_is_there(place, turn)) sched_yield();
}

static void *walkAsMember(void *context) {
  MemberWalk *walk = context;
  walk->done = walk->cell->forward(&walk->step);
  return NULL;
}

/// One sequence by two members, which part after `lastTurn` where that is one, and the first goes on. Returns whether
/// all is as it should be.
static int walkTogether(
  const RecurraKernels *kernels, const Case *k, RecurraForwardStep step, Walk wanted, int32_t lastTurn
) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  const ptrdiff_t panels = cell->forwardPanels(k->units), cut = panels / 2, width = k->cell == RNN ? 64 : 16;
  const ptrdiff_t parts[] = {0, cut * width, k->units};
  RecurraRowMember layout = {.members = 2, .parts = parts, .lastTurn = &lastTurn, .await = awaitTurn};
  recurra_row_lay_out(&layout, k->units, 0, RECURRA_LINE_BYTES);
  layout.base = aligned_alloc(RECURRA_LINE_BYTES, (size_t)(2 * layout.memberBytes));
  memset(layout.base, 0, (size_t)(2 * layout.memberBytes));
  RecurraRowMember members[2];
  MemberWalk walks[2];
  for (int rank = 0; rank < 2; rank++) {
    members[rank] = layout, members[rank].rank = rank;
    walks[rank] = (MemberWalk){cell, step, 0};
    RecurraForwardStep *own = &walks[rank].step;
    own->panels.begin = rank ? cut : 0, own->panels.end = rank ? panels : cut, own->member = &members[rank];
    own->h.base = recurra_row(&members[rank], 0), own->hNext.base = recurra_row(&members[rank], 1);
    own->c.base = recurra_row_memory(&members[rank], rank, 0);
    own->cNext.base = recurra_row_memory(&members[rank], rank, 1);
    own->scratch = scratchFor(kernels, 1);
  }
  pthread_t other;
  int isRight = pthread_create(&other, NULL, walkAsMember, &walks[1]) == 0;
  walkAsMember(&walks[0]);
  isRight &= pthread_join(other, NULL) == 0;
  const ptrdiff_t stepCount = stepsOf(1), steps = lastTurn > 0 ? lastTurn : stepCount;
  isRight &= walks[0].done == steps && walks[1].done == steps;
  recurra_row_take_rest(&members[0], steps);
  // What is left the first does alone, with what it has of the others.
  Matrix h[2], c[2];
  for (int turn = 0; turn < 2; turn++) h[turn] = makeMatrix(1, k->units, 0), c[turn] = makeMatrix(1, k->units, 0);
  memcpy(h[steps & 1].data, recurra_row(&members[0], steps), (size_t)k->units * sizeof(float));
  recurra_row_gather_memory(&members[0], steps, c[steps & 1].data);
  isRight &= sameBits(h[steps & 1], wanted.y, steps - 1, 1);
  RecurraForwardStep alone = step;
  pickStep(&alone, steps, h, c);
  alone.run.steps = stepCount - steps;
  if (alone.run.steps > 0) isRight &= cell->forward(&alone) == alone.run.steps;
  const Matrix y = {stepCount, k->units, step.y.stride, step.y.base};
  isRight &= sameBits(y, wanted.y, 0, stepCount) && sameBits(h[stepCount & 1], wanted.h, 0, 1);
  if (hasMemory(k->cell)) isRight &= sameBits(c[stepCount & 1], wanted.c, 0, 1);
  for (int turn = 0; turn < 2; turn++) freeMatrix(&h[turn]), freeMatrix(&c[turn]);
  for (int rank = 0; rank < 2; rank++) free(walks[rank].step.scratch);
  free(layout.base);
  return isRight;
}

/// All ways of going through the steps, for so many sequences; returns what failed, or NULL.
static const char *checkWalk(
  const RecurraKernels *kernels, const Case *k, const float *packed, ptrdiff_t rows, int input
) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  const ptrdiff_t panels = cell->forwardPanels(k->units), stepCount = stepsOf(rows);
  Matrix table = makeMatrix(rows * stepCount, slotsOf(k->cell) * k->units, 3);
  int32_t places[7 * 9];
  float *scratch = scratchFor(kernels, rows * stepCount);
  cell->product(&(RecurraProduct){
    .rows = rows * stepCount, .inputs = k->inputs, .units = k->units, .panels = {0, panels}, .x = rowsFrom(k->x, 0),
    .init = {k->bias.data, 0}, .packed = packed, .out = rowsFrom(table, 0),
    .scratch = scratch});
  for (int index = 0; index < rows * stepCount; index++) places[index] = index;
  const char *failure = NULL;
  Walk walks[3];
  for (int way = 0; way < 3; way++) {
    Matrix h[2], c[2], y = makeMatrix(rows * stepCount, k->units, 2);
    for (int turn = 0; turn < 2; turn++) {
      h[turn] = makeMatrix(rows, k->units, 0), c[turn] = makeMatrix(rows, k->units, 0);
      memset(h[turn].data, 0, (size_t)(rows * k->units) * sizeof(float));
      memset(c[turn].data, 0, (size_t)(rows * k->units) * sizeof(float));
    }
    RecurraForwardStep step = beginWalk(k, packed, rows, input, h, c, y, table, places);
    step.panels.end = panels, step.scratch = scratch;
    if (way == 0) {
      for (ptrdiff_t index = 0; index < stepCount; index++) {
        RecurraForwardStep own = step;
        pickStep(&own, index, h, c);
        if (cell->forward(&own) != 1) failure = "a step is one";
      }
    } else if (way == 1) {
      if (cell->forward(&step) != stepCount) failure = "all steps are done";
    } else if (rows == 1 && panels > 1) {
      for (int32_t last = 0; last < 4; last += 3) {
        memset(y.data, 0xff, (size_t)k->units * sizeof(float));
        for (ptrdiff_t index = 1; index < stepCount; index++)
          memcpy(y.data + index * y.stride, y.data, (size_t)k->units * sizeof(float));
        if (!walkTogether(kernels, k, step, walks[0], last)) failure = "a row made together";
      }
    }
    walks[way] = (Walk){y, h[stepCount & 1], c[stepCount & 1]};
    if (way == 1) {
      const int same = sameBits(y, walks[0].y, 0, rows * stepCount) && sameBits(walks[1].h, walks[0].h, 0, rows) &&
                       (!hasMemory(k->cell) || sameBits(walks[1].c, walks[0].c, 0, rows));
      if (!same) failure = "steps in one call";
      if (!gapsIntact(y)) failure = "steps write outside their columns";
    }
    freeMatrix(&h[!(stepCount & 1)]), freeMatrix(&c[!(stepCount & 1)]);
  }
  for (int way = 0; way < 3; way++) freeMatrix(&walks[way].y), freeMatrix(&walks[way].h), freeMatrix(&walks[way].c);
  freeMatrix(&table), free(scratch);
  return failure;
}

/// Returns what failed, or NULL.
static const char *checkSteps(const RecurraKernels *kernels, const Case *k) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  float *packed = aligned(cell->packedForwardSize(k->inputs, k->units));
  cell->packForward(k->inputs, k->units, k->weights.data, packed, 0, cell->forwardPanels(k->units));
  const char *failure = NULL;
  for (ptrdiff_t rows = 1; rows <= 9; rows += 4)
    for (int input = INPUT_IN_LOOP; input <= INPUT_LOOKED_UP && !failure; input++)
      failure = checkWalk(kernels, k, packed, rows, input);
  free(packed);
  return failure;
}
