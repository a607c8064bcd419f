// Sums of rows that lie anywhere.

/// Sums `vectors` of the columns of some rows, and fetches the same columns of rows that come later.
INLINE void sumColumns(
  const int vectors, const float *const *sources, ptrdiff_t count, ptrdiff_t left, ptrdiff_t column, ptrdiff_t lanes,
  float *out
) {
  enum { ahead = 8 };
  Vector sum[4];
  EACH(v, 0, vectors) sum[v] = broadcast(0);
  for (ptrdiff_t index = 0; index < count; index++) {
    if (index + ahead < left)
      EACH(v, 0, vectors)
        if (v * WIDTH % lineFloats == 0) __builtin_prefetch(sources[index + ahead] + column + v * WIDTH);
    EACH(v, 0, vectors) sum[v] += loadLanes(sources[index] + column + v * WIDTH, v == vectors - 1 ? lanes : WIDTH);
  }
  EACH(v, 0, vectors) storeLanes(out + column + v * WIDTH, sum[v], v == vectors - 1 ? lanes : WIDTH);
}

static void sumRows(const RecurraRowSums *job) {
  const ptrdiff_t columns = job->columns, end = job->starts[job->rowEnd];
  for (ptrdiff_t row = job->rowBegin; row < job->rowEnd; row++) {
    const ptrdiff_t first = job->starts[row], count = job->starts[row + 1] - first;
    const float *const *sources = job->sources + first;
    float *out = elementAt(job->out, row, 0);
    ptrdiff_t column = 0;
    for (; column + 4 * WIDTH <= columns; column += 4 * WIDTH)
      sumColumns(4, sources, count, end - first, column, WIDTH, out);
    const ptrdiff_t rest = columns - column, vectors = (rest + WIDTH - 1) / WIDTH, lanes = rest - (vectors - 1) * WIDTH;
    switch (vectors) {
    case 4: sumColumns(4, sources, count, end - first, column, lanes, out); break;
    case 3: sumColumns(3, sources, count, end - first, column, lanes, out); break;
    case 2: sumColumns(2, sources, count, end - first, column, lanes, out); break;
    case 1: sumColumns(1, sources, count, end - first, column, lanes, out);
    }
  }
}

static void addRows(const RecurraRowAdditions *job) {
  for (ptrdiff_t row = 0; row < job->rows; row++) {
    const float *from = elementAt(job->from, row, 0);
    float *to = elementAt(job->out, job->places[row], 0);
#define ADD(column, lanes) \
  storeLanes(to + column, loadLanes(to + column, lanes) + loadLanes(from + column, lanes), lanes)
    FOR_LANES(column, job->columns, ADD);
#undef ADD
  }
}
