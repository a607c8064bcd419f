// Checks every instruction set of this CPU: against double, against the canonical float chain to the bit, and that no
// division of the work shows in the result.
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "reference.h"
#include "elementwise.h"
#include "gradients.h"
#include "runs.h"
#include "steps.h"
#include "products.h"

// A single row has a loop of its own over the panels, and is cut in every way.
static const ptrdiff_t rowCounts[] = {1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 16, 31, 33};
enum { maximumRows = 66, rowCountCount = sizeof rowCounts / sizeof *rowCounts };

/// Rows with an infinity, a float near the largest and a NaN in them, which leave the others as they are.
static void checkExtremes(const RecurraKernels *kernels, const Case *k, const float *packed, Forward base) {
  static const float extremes[] = {INFINITY, -3.4e38f, NAN};
  Case odd = *k;
  odd.x = copyMatrix(k->x);
  for (int index = 0; index < 3; index++) odd.x.data[index * 20 * odd.x.stride + index % odd.inputs] = extremes[index];
  referenceForward(&odd);
  const ptrdiff_t panels = kernelsOf(kernels, k->cell)->forwardPanels(k->units);
  Forward f = forward(kernels, &odd, packed, 0, k->rows, panels, FUSED, 1, 0);
  int same = 1, isRight = 1, isNaN = 1;
  for (ptrdiff_t row = 0; row < k->rows; row++) {
    if (row % 20 != 0 || row > 40)
      same &= memcmp(
        f.h.data + row * f.h.stride, base.h.data + row * base.h.stride, (size_t)k->units * sizeof(float)) == 0;
    for (ptrdiff_t unit = 0; unit < k->units && row <= 20 && row % 20 == 0; unit++)
      isRight &= fabs((double)at(f.h, row, unit) - (double)at(odd.hNext, row, unit)) < 1e-5;
  }
  for (ptrdiff_t unit = 0; unit < k->units; unit++) isNaN &= isnan(at(f.h, 40, unit)) != 0;
  expect(same, kernels->name, k, "rows beside extreme ones");
  expect(isRight, kernels->name, k, "infinity, and nearly");
  expect(isNaN, kernels->name, k, "NaN in, NaN out");
  freeForward(&f), freeMatrix(&odd.x), freeMatrix(&odd.hNext), freeMatrix(&odd.cNext), freeMatrix(&odd.gates);
}

static void checkForward(const RecurraKernels *kernels, Case *k, Forward *base) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  const char *isa = kernels->name;
  const ptrdiff_t panels = cell->forwardPanels(k->units);
  const double tolerance = 2e-6 + 3e-8 * (double)(k->inputs + k->units);
  const size_t size = cell->packedForwardSize(k->inputs, k->units);
  float *packed = aligned(size), *whole = aligned(size);
  memset(whole, 0xff, size * sizeof(float));
  cell->packForward(k->inputs, k->units, k->weights.data, whole, 0, panels);
  for (ptrdiff_t panel = panels; panel-- > 0;)
    cell->packForward(k->inputs, k->units, k->weights.data, packed, panel, panel + 1);
  expect(memcmp(packed, whole, size * sizeof(float)) == 0, isa, k, "panels packed one by one");

  *base = forward(kernels, k, packed, 0, k->rows, panels, FUSED, 1, 0);
  expect(near(base->h, k->hNext, tolerance), isa, k, "h against double");
  if (hasMemory(k->cell)) expect(near(base->c, k->cNext, 2 * tolerance), isa, k, "c against double");
  if (k->cell != RNN) expect(near(base->gates, k->gates, 2 * tolerance), isa, k, "gates against double");
  expect(sameBits(base->y, base->h, 0, k->rows), isa, k, "y is h");
  expect(gapsIntact(base->h) && gapsIntact(base->c) && gapsIntact(base->y) && gapsIntact(base->gates), isa, k,
         "writes outside its columns");
  Forward only = forward(kernels, k, NULL, 0, k->rows, panels, GATES_ONLY, 1, 0);
  expect(sameForward(k->cell, only, *base, 0, k->rows), isa, k, "canonical chain to the bit");
  freeForward(&only);
  for (int index = 0; index < rowCountCount; index++) {
    const ptrdiff_t rows = rowCounts[index], first = (k->rows - rows) * (index & 1);
    const ptrdiff_t cut = index == 0 ? panels : 1 + index % 3;
    Forward part = forward(kernels, k, packed, first, rows, cut, FUSED, index & 1, 0);
    expect(sameForward(k->cell, part, *base, first, rows), isa, k, "rows and panels divided");
    expect(gapsIntact(part.h) && gapsIntact(part.c), isa, k, "writes outside its columns");
    freeForward(&part);
    for (int mode = HOISTED; mode <= LOOKED_UP; mode++) {
      part = forward(kernels, k, packed, first, rows, 1 + index % 2, mode, 1, 0);
      expect(sameForward(k->cell, part, *base, first, rows), isa, k, "inputs hoisted or looked up");
      if (k->cell != RNN) expect(sameBits(part.gates, base->gates, first, rows), isa, k, "gates of hoisted");
      expect(gapsIntact(part.gates), isa, k, "writes outside its columns");
      freeForward(&part);
    }
  }
  checkExtremes(kernels, k, packed, *base);
  // From zeros with the product of h, and without.
  Case begun = *k;
  begun.h = makeMatrix(k->rows, k->units, 7);
  for (ptrdiff_t row = 0; row < k->rows; row++)
    memset(begun.h.data + row * begun.h.stride, 0, (size_t)k->units * sizeof(float));
  Forward wholly = forward(kernels, &begun, packed, 0, k->rows, panels, FUSED, 1, 0);
  for (int index = 0; index < rowCountCount; index++)
    for (int mode = FUSED; mode <= LOOKED_UP; mode++) {
      const ptrdiff_t rows = rowCounts[index], first = (k->rows - rows) * (index & 1);
      Forward part = forward(kernels, &begun, packed, first, rows, 1 + index % 3, mode, 1, 1);
      expect(sameForward(k->cell, part, wholly, first, rows), isa, k, "from zeros");
      freeForward(&part);
    }
  freeForward(&wholly), freeMatrix(&begun.h);
  free(packed), free(whole);
}

static void checkBackward(const RecurraKernels *kernels, Case *k, Backward *base) {
  const RecurraCellKernels *cell = kernelsOf(kernels, k->cell);
  const char *isa = kernels->name;
  const ptrdiff_t panels = cell->backwardPanels(k->units), productRows = k->rows / 2 + 1;
  float *packed = aligned(cell->packedBackwardSize(k->units));
  for (ptrdiff_t panel = panels; panel-- > 0;)
    cell->packBackward(k->inputs, k->units, k->weights.data, packed, panel, panel + 1);

  k->dh = canonicalGradient(k, productRows, strcmp(isa, "generic") != 0);
  referenceBackward(k);
  *base = backward(kernels, k, packed, 0, k->rows, panels, productRows, 0);
  expect(near(base->gates, k->dgates, 4e-6), isa, k, "dgates against double");
  expect(near(base->carry, k->dhOut, 4e-6), isa, k, "dhCarry against double");
  if (hasMemory(k->cell)) expect(near(base->dc, k->dcOut, 4e-6), isa, k, "dc against double");
  expect(gapsIntact(base->gates) && gapsIntact(base->carry) && gapsIntact(base->dc), isa, k,
         "backward writes outside its columns");
  Backward only = backward(kernels, k, NULL, 0, k->rows, panels, productRows, 1);
  expect(sameBackward(k->cell, only, *base, 0, k->rows), isa, k, "backward: canonical chain to the bit");
  freeBackward(&only);
  for (int index = 0; index < rowCountCount; index++) {
    const ptrdiff_t rows = rowCounts[index], first = (k->rows - rows) * (index & 1);
    Backward part = backward(kernels, k, packed, first, rows, 1 + index % 2, productRows, 0);
    expect(sameBackward(k->cell, part, *base, first, rows), isa, k, "backward: rows and panels divided");
    freeBackward(&part);
  }
  Matrix out = makeMatrix(k->rows, k->units, 3);
  float *scratch = scratchFor(kernels, k->rows);
  cell->backward(&(RecurraBackwardStep){
    .scratch = scratch, .rows = k->rows, .units = k->units, .panels = {0, panels}, .productRows = productRows,
    .dgatesNext = rowsFrom(k->dgatesNext, 0), .packed = packed, .dy = rowsFrom(k->dy, 0),
    .dhCarry = rowsFrom(k->dhCarry, 0), .dhOut = rowsFrom(out, 0)});
  expect(sameBits(out, k->dh, 0, k->rows) && gapsIntact(out), isa, k, "backward: product alone");
  free(scratch), freeMatrix(&out);
  freeMatrix(&k->dh), freeMatrix(&k->dgates), freeMatrix(&k->dcOut), freeMatrix(&k->dhOut);
  free(packed);
}

/// What the sets with fused multiply-add make of all cases; the processes that share them add their numbers up.
static const uint64_t wantedBits = 0xe8b78fd0d4cf2b48;
static _Atomic uint64_t *foundBits;

/// FNV-1a over the numbers of a matrix, without the gaps between its rows.
static uint64_t bitsOf(Matrix m, uint64_t bits) {
  for (ptrdiff_t row = 0; row < m.rows; row++)
    for (ptrdiff_t column = 0; column < m.columns; column++) {
      uint32_t number;
      memcpy(&number, &m.data[row * m.stride + column], sizeof number);
      bits = (bits ^ number) * 0x100000001b3;
    }
  return bits;
}

/// A case's own number keeps two cases that change places apart.
static void addBits(const Case *k, const Forward *f, const Backward *b) {
  uint64_t bits = bitsOf(f->h, 0xcbf29ce484222325 + (uint64_t)(k->cell + 3 * k->inputs + 1000 * k->units));
  if (k->cell != RNN) bits = bitsOf(f->gates, bits);
  if (hasMemory(k->cell)) bits = bitsOf(b->dc, bitsOf(f->c, bits));
  *foundBits += bitsOf(b->carry, bitsOf(b->gates, bits));
}

static void checkCase(Cell cell, ptrdiff_t inputs, ptrdiff_t units) {
  uint64_t state = (uint64_t)(inputs * 1000 + units * 3 + cell);
  const ptrdiff_t rows = maximumRows, gates = gatesOf(cell), slots = slotsOf(cell);
  const float scale = 2.5f / sqrtf((float)(inputs + units));
  Case k = {
    .cell = cell, .rows = rows, .inputs = inputs, .units = units, .x = randomMatrix(rows, inputs, 3, 1, &state),
    .h = randomMatrix(rows, units, 7, 1, &state), .c = randomMatrix(rows, units, 1, 2, &state),
    .weights = randomMatrix(inputs + units, gates * units, 0, scale, &state),
    .bias = randomMatrix(1, slots * units, 0, 1, &state),
    .dgatesNext = randomMatrix(rows, slots * units, 5, 1, &state), .dy = randomMatrix(rows, units, 4, 1, &state),
    .dhCarry = randomMatrix(rows, units, 2, 1, &state), .dc = randomMatrix(rows, units, 3, 1, &state)};
  k.parameters = randomMatrix(1, 3 * units, 0, 1, &state);
  referenceForward(&k);
  Forward fusedForward = {0};
  Backward fusedBackward = {0};
  canonicalSums(&k, 0);
  for (int index = 0; index < setCount; index++) {
    const RecurraKernels *kernels = recurra_kernels_named(setNames[index]);
    // The chains of all sets with FMA are the same.
    if (index == 1) freeMatrix(&k.sums), canonicalSums(&k, 1);
    if (!kernels) continue;
    const int fused = index > 0;
    Forward f;
    Backward b;
    checkForward(kernels, &k, &f);
    checkBackward(kernels, &k, &b);
    checkMatrix(kernels, &k);
    const char *failure = checkSteps(kernels, &k);
    expect(failure == NULL, setNames[index], &k, failure ? failure : "");
    if (fused && fusedForward.h.data) {
      expect(sameForward(cell, f, fusedForward, 0, rows), setNames[index], &k, "equal to the other instruction set");
      expect(sameBackward(cell, b, fusedBackward, 0, rows), setNames[index], &k, "backward equal to the other set");
    }
    if (fused && !fusedForward.h.data)
      fusedForward = f, fusedBackward = b, addBits(&k, &f, &b);
    else
      freeForward(&f), freeBackward(&b);
  }
  freeForward(&fusedForward), freeBackward(&fusedBackward);
  freeMatrix(&k.x), freeMatrix(&k.h), freeMatrix(&k.c), freeMatrix(&k.weights), freeMatrix(&k.bias);
  freeMatrix(&k.parameters);
  freeMatrix(&k.dgatesNext), freeMatrix(&k.dy), freeMatrix(&k.dhCarry), freeMatrix(&k.dc);
  freeMatrix(&k.hNext), freeMatrix(&k.cNext), freeMatrix(&k.gates), freeMatrix(&k.sums);
}

/// Checks every case whose number leaves `share` when it is divided by `shares`; returns whether all hold.
static int checkShare(int share, int shares) {
  static const ptrdiff_t sizes[] = {1, 5, 8, 16, 17, 28, 31, 72, 100, 257};
  enum { count = sizeof sizes / sizeof *sizes };
  for (int number = share; number < cellCount * count * count; number += shares)
    checkCase((Cell)(number / count / count), sizes[number / count % count], sizes[number % count]);
  if (share == 0) failures += checkElementwise();
  failures += checkGradients(share, shares);
  if (failures) printf("%d failures\n", failures);
  return failures == 0;
}

/// A process for each processor, because a case takes one.
int main(void) {
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  const int shares = processors < 1 ? 1 : processors > 16 ? 16 : (int)processors;
  int failed = 0;
  foundBits = mmap(NULL, sizeof *foundBits, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (foundBits == MAP_FAILED) return 1;
  for (int share = 0; share < shares; share++) {
    const pid_t child = fork();
    if (child == 0) exit(checkShare(share, shares) ? 0 : 1);
    failed |= child < 0;
  }
  int status;
  while (wait(&status) > 0) failed |= status != 0;
  if (*foundBits != 0 && *foundBits != wantedBits) {
    printf("bits: expected %016" PRIx64 ", got %016" PRIx64 "\n", wantedBits, *foundBits);
    failed = 1;
  }
  printf("kernels:");
  for (int index = 0; index < setCount; index++)
    if (recurra_kernels_named(setNames[index])) printf(" %s", setNames[index]);
  printf(": %s\n", failed ? "failed" : "every case holds");
  return failed;
}
