// Problems for the driver: random operands with strides wider than their rows, and sentinels between the rows.
#include "recurra_kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { RNN, LSTM, GRU, PEEPHOLE, cellCount } Cell;

static const char *const cellNames[] = {"rnn", "lstm", "gru", "peephole"};

static inline const RecurraCellKernels *kernelsOf(const RecurraKernels *kernels, Cell cell) {
  const RecurraCellKernels *all[] = {&kernels->rnn, &kernels->lstm, &kernels->gru, &kernels->peephole};
  return all[cell];
}

static inline int hasMemory(Cell cell) { return cell == LSTM || cell == PEEPHOLE; }
static inline ptrdiff_t gatesOf(Cell cell) { return cell == RNN ? 1 : cell == GRU ? 3 : 4; }
static inline ptrdiff_t slotsOf(Cell cell) { return cell == RNN ? 1 : 4; }

/// A uniform float in [-1, 1) from a small counter-based mix.
static inline float randomFloat(uint64_t *state) {
  uint64_t x = *state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return (float)((x ^ (x >> 31)) >> 40) * 0x1p-23f - 1;
}

/// rows x columns in a wider buffer whose gaps hold a sentinel.
typedef struct {
  ptrdiff_t rows, columns, stride;
  float *data;
} Matrix;

static const float sentinel = 12345.678f;

static inline Matrix makeMatrix(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t gap) {
  Matrix m = {rows, columns, columns + gap, NULL};
  // Without the last gap, so that an address sanitizer sees the end of the last row.
  size_t count = (size_t)((rows - 1) * m.stride + columns);
  m.data = malloc((count ? count : 1) * sizeof(float));
  for (size_t index = 0; index < count; index++) m.data[index] = sentinel;
  return m;
}

static inline Matrix randomMatrix(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t gap, float scale, uint64_t *state) {
  Matrix m = makeMatrix(rows, columns, gap);
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column++)
      m.data[row * m.stride + column] = scale * randomFloat(state);
  return m;
}

static inline Matrix copyMatrix(Matrix from) {
  Matrix m = makeMatrix(from.rows, from.columns, from.stride - from.columns);
  for (ptrdiff_t row = 0; row < m.rows; row++)
    memcpy(m.data + row * m.stride, from.data + row * m.stride, (size_t)m.columns * sizeof(float));
  return m;
}

static inline void freeMatrix(Matrix *m) {
  free(m->data);
  m->data = NULL;
}

/// The matrix from a row on, as kernels take it.
static inline RecurraRows rowsFrom(Matrix m, ptrdiff_t first) {
  return (RecurraRows){m.data + first * m.stride, m.stride};
}

static inline float at(Matrix m, ptrdiff_t row, ptrdiff_t column) { return m.data[row * m.stride + column]; }

static inline int gapsIntact(Matrix m) {
  for (ptrdiff_t row = 0; row + 1 < m.rows; row++)
    for (ptrdiff_t column = m.columns; column < m.stride; column++)
      if (at(m, row, column) != sentinel) return 0;
  return 1;
}

/// Rows [0, rows) of `m` equal rows [first, first + rows) of `base`, bit for bit.
static inline int sameBits(Matrix m, Matrix base, ptrdiff_t first, ptrdiff_t rows) {
  for (ptrdiff_t row = 0; row < rows; row++)
    if (memcmp(m.data + row * m.stride, base.data + (first + row) * base.stride, (size_t)m.columns * sizeof(float)))
      return 0;
  return 1;
}

static inline void *aligned(size_t floats) {
  return aligned_alloc(64, (floats * sizeof(float) + 127) / 64 * 64);
}

/// The sets to be checked; all but the first multiply and add in one.
static const char *const setNames[] = {"generic", "avx2", "avx512", "neon"};
enum { setCount = sizeof setNames / sizeof *setNames };

/// Scratch of exactly the size that is asked for, so that an address sanitizer sees its end.
static inline float *scratchOf(size_t floats) { return aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64); }

static inline float *scratchFor(const RecurraKernels *kernels, ptrdiff_t rows) {
  return scratchOf(kernels->lstm.scratchSize(rows));
}
