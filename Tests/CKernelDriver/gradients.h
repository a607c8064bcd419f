// The gradients of weights and inputs: against double, and no division of the work may show in the result.

typedef struct {
  Cell cell;
  ptrdiff_t rows, inputs, units;
  Matrix z, dgates, weights;
} GradientCase;

static int gradientFailures;

static void expectGradient(int condition, const char *isa, const GradientCase *k, const char *what) {
  if (condition) return;
  if (++gradientFailures <= 40)
    printf("FAIL %s gradients: rows %td inputs %td units %td: %s\n", isa, k->rows, k->inputs, k->units, what);
}

/// Left in blocks of the depth that is summed in one go.
static float *packedLeft(const RecurraKernels *kernels, const GradientCase *k) {
  float *packed = aligned(kernels->matrix.packedLeftSize(k->inputs, k->units, k->rows));
  const size_t block = kernels->matrix.packedLeftSize(k->inputs, k->units, RECURRA_GRADIENT_DEPTH);
  for (ptrdiff_t first = 0; first < k->rows; first += RECURRA_GRADIENT_DEPTH) {
    const ptrdiff_t rest = k->rows - first;
    kernels->matrix.packLeft(
      k->inputs, k->units, rest < RECURRA_GRADIENT_DEPTH ? rest : RECURRA_GRADIENT_DEPTH,
      k->z.data + first * k->z.stride, k->z.stride, packed + first / RECURRA_GRADIENT_DEPTH * block);
  }
  return packed;
}

/// The gradient of the first gates' weights and its bias in the last row, panels cut into ranges of `panelCut`, columns
/// into ranges of `columnCut`, rows at a multiple of the depth when `cutsRows`.
static Matrix weightGradientOf(
  const RecurraKernels *kernels, const GradientCase *k, ptrdiff_t panelCut, ptrdiff_t columnCut, int cutsRows
) {
  const ptrdiff_t columns = k->dgates.columns, width = k->inputs + k->units;
  const ptrdiff_t panels = kernels->matrix.leftPanels(k->inputs, k->units);
  Matrix out = makeMatrix(width + 1, columns, 3);
  float *left = packedLeft(kernels, k);
  const size_t block = kernels->matrix.packedLeftSize(k->inputs, k->units, RECURRA_GRADIENT_DEPTH);
  const ptrdiff_t cut = cutsRows && k->rows > RECURRA_GRADIENT_DEPTH ? RECURRA_GRADIENT_DEPTH : k->rows;
  for (ptrdiff_t first = 0; first < k->rows; first += cut)
    for (ptrdiff_t column = 0; column < columns; column += columnCut)
      for (ptrdiff_t panel = 0; panel < panels; panel += panelCut) {
        RecurraWeightGradient job = {
          .depth = k->rows - first < cut ? k->rows - first : cut, .inputs = k->inputs, .units = k->units,
          .columns = columns - column < columnCut ? columns - column : columnCut,
          .panels = {panel, panel + panelCut < panels ? panel + panelCut : panels},
          .packedLeft = cutsRows ? left + first / RECURRA_GRADIENT_DEPTH * block : NULL,
          .left = rowsFrom(k->z, first),
          .right = {k->dgates.data + first * k->dgates.stride + column, k->dgates.stride},
          .out = {out.data + column, out.stride},
          .bias = panel == 0 ? out.data + width * out.stride + column : NULL, .adds = first > 0};
        job.scratch = scratchOf(kernels->matrix.gradientScratchSize(job.depth, job.panels.end - job.panels.begin));
        kernels->matrix.weightGradient(&job);
        free(job.scratch);
      }
  free(left);
  return out;
}

/// dgates * W^T with rows in ranges of `cut`, laid out sequence by sequence as in an input [B, T, I].
static Matrix inputGradientOf(const RecurraKernels *kernels, const GradientCase *k, ptrdiff_t cut) {
  const RecurraMatrixKernels *matrix = &kernels->matrix;
  // The GRU's gradient of nh does not reach x: the slots of the gates come first, and are all.
  const ptrdiff_t columns = gatesOf(k->cell) * k->units;
  const ptrdiff_t panels = matrix->transposedPanels(k->inputs), perStep = 3, steps = (k->rows + perStep - 1) / perStep;
  float *packed = aligned(matrix->packedTransposeSize(k->inputs, columns));
  for (ptrdiff_t panel = panels; panel-- > 0;)
    matrix->packTranspose(k->inputs, columns, k->weights.data, packed, panel, panel + 1);
  Matrix out = makeMatrix(perStep * steps, k->inputs, 2);
  float *scratch = scratchFor(kernels, k->rows);
  for (ptrdiff_t begin = 0; begin < k->rows; begin += cut) {
    const RecurraInputGradient job = {
      .rowBegin = begin, .rowEnd = begin + cut < k->rows ? begin + cut : k->rows, .inputs = k->inputs,
      .units = columns, .dgates = rowsFrom(k->dgates, 0), .packed = packed,
      .rowsPerStep = perStep, .out = out.data, .stepStride = out.stride, .rowStride = steps * out.stride,
      .scratch = scratch};
    matrix->inputGradient(&job);
  }
  free(packed), free(scratch);
  return out;
}

static void checkWeightGradient(const RecurraKernels *kernels, const GradientCase *k, Matrix *fused) {
  const char *isa = kernels->name;
  const ptrdiff_t width = k->inputs + k->units, columns = k->dgates.columns;
  Matrix base = weightGradientOf(kernels, k, 1 << 20, columns, 0);
  for (ptrdiff_t row = 0; row <= width; row++)
    for (ptrdiff_t column = 0; column < columns; column++) {
      double sum = 0, size = 0;
      for (ptrdiff_t n = 0; n < k->rows; n++) {
        const double term = (row < width ? (double)at(k->z, n, row) : 1) * (double)at(k->dgates, n, column);
        sum += term, size += fabs(term);
      }
      const double error = fabs((double)at(base, row, column) - sum);
      expectGradient(error <= 4e-7 * size + 1e-30, isa, k, "weights against double");
    }
  expectGradient(gapsIntact(base), isa, k, "writes outside its columns");
  for (int cut = 1; cut <= 3; cut++) {
    Matrix part = weightGradientOf(kernels, k, cut * 2 - 1, 64 * cut, cut & 1);
    expectGradient(sameBits(part, base, 0, width + 1) && gapsIntact(part), isa, k, "weights: work divided");
    freeMatrix(&part);
  }
  const int isFused = strcmp(isa, "generic") != 0;
  if (isFused && fused->data)
    expectGradient(sameBits(base, *fused, 0, width), isa, k, "weights: equal to the other instruction set");
  if (isFused && !fused->data)
    *fused = base;
  else
    freeMatrix(&base);
}

static void checkInputGradient(const RecurraKernels *kernels, const GradientCase *k) {
  const char *isa = kernels->name;
  const ptrdiff_t perStep = 3, steps = (k->rows + perStep - 1) / perStep, columns = gatesOf(k->cell) * k->units;
  Matrix base = inputGradientOf(kernels, k, k->rows);
  for (ptrdiff_t n = 0; n < k->rows; n++)
    for (ptrdiff_t input = 0; input < k->inputs; input++) {
      float chain = 0;
      double sum = 0, size = 0;
      for (ptrdiff_t column = 0; column < columns; column++) {
        const float left = at(k->dgates, n, column), right = k->weights.data[input * columns + column];
        chain = chainStep(strcmp(isa, "generic") != 0, left, right, chain);
        sum += (double)left * (double)right, size += fabs((double)left * (double)right);
      }
      const float found = at(base, n % perStep * steps + n / perStep, input);
      expectGradient(fabs((double)found - sum) <= 4e-7 * size, isa, k, "inputs against double");
      expectGradient(found == chain, isa, k, "inputs: canonical chain to the bit");
    }
  expectGradient(gapsIntact(base), isa, k, "inputs: writes outside its columns");
  for (int cut = 1; cut <= 7; cut += 3) {
    Matrix part = inputGradientOf(kernels, k, cut);
    int same = 1;
    for (ptrdiff_t n = 0; n < k->rows; n++) {
      const ptrdiff_t row = n % perStep * steps + n / perStep;
      const float *found = part.data + row * part.stride, *wanted = base.data + row * base.stride;
      same &= memcmp(found, wanted, (size_t)k->inputs * sizeof(float)) == 0;
    }
    expectGradient(same, isa, k, "inputs: work divided");
    freeMatrix(&part);
  }
  freeMatrix(&base);
}

/// Sums of rows of z that lie in no order: none of some, one of some, several of others, in ranges of `cut` rows.
static void checkRowSums(const RecurraKernels *kernels, const GradientCase *k) {
  enum { counts = 5 };
  static const int32_t shares[counts] = {1, 0, 3, 1, 12};
  const ptrdiff_t columns = k->z.columns, rows = k->rows;
  int32_t *starts = malloc((size_t)(rows + 1) * sizeof(int32_t));
  starts[0] = 0;
  for (ptrdiff_t row = 0; row < rows; row++) starts[row + 1] = starts[row] + shares[row % counts];
  const float **sources = malloc((size_t)(starts[rows] + 1) * sizeof(float *));
  for (int32_t index = 0; index < starts[rows]; index++) sources[index] = k->z.data + index * 7 % rows * k->z.stride;
  for (ptrdiff_t cut = 1; cut <= rows; cut = cut * 3 + 1) {
    Matrix out = makeMatrix(rows, columns, 4);
    for (ptrdiff_t begin = 0; begin < rows; begin += cut) {
      const RecurraRowSums job = {
        .rowBegin = begin, .rowEnd = begin + cut < rows ? begin + cut : rows, .columns = columns, .sources = sources,
        .starts = starts, .out = rowsFrom(out, 0)};
      kernels->sumRows(&job);
    }
    int same = 1;
    for (ptrdiff_t row = 0; row < rows; row++)
      for (ptrdiff_t column = 0; column < columns; column++) {
        float sum = 0;
        for (int32_t index = starts[row]; index < starts[row + 1]; index++) sum += sources[index][column];
        same &= sum == at(out, row, column);
      }
    expectGradient(same, kernels->name, k, "sums of rows: in order, to the bit");
    expectGradient(gapsIntact(out), kernels->name, k, "sums of rows: writes outside its columns");
    freeMatrix(&out);
  }
  free(starts), free(sources);
}

/// Rows of z added to fewer rows, some of which get many and some none, from a column on.
static void checkRowAdditions(const RecurraKernels *kernels, const GradientCase *k) {
  enum { targets = 7 };
  const ptrdiff_t columns = k->z.columns;
  int32_t *places = malloc((size_t)k->rows * sizeof(int32_t));
  for (ptrdiff_t row = 0; row < k->rows; row++) places[row] = (int32_t)(row * row % targets);
  for (ptrdiff_t first = 0; first < columns; first += 1 + columns / 3) {
    Matrix out = makeMatrix(targets, columns - first, 3);
    float *wanted = calloc((size_t)(targets * columns), sizeof(float));
    for (ptrdiff_t row = 0; row < targets; row++)
      for (ptrdiff_t column = 0; column < columns - first; column++)
        out.data[row * out.stride + column] = wanted[row * columns + column] = (float)(row - column) / 8;
    for (ptrdiff_t row = 0; row < k->rows; row++)
      for (ptrdiff_t column = first; column < columns; column++)
        wanted[places[row] * columns + column - first] += at(k->z, row, column);
    kernels->addRows(&(RecurraRowAdditions){
      .rows = k->rows, .columns = columns - first, .from = {k->z.data + first, k->z.stride},
      .places = places, .out = rowsFrom(out, 0)});
    int same = 1;
    for (ptrdiff_t row = 0; row < targets; row++)
      for (ptrdiff_t column = 0; column < columns - first; column++)
        same &= wanted[row * columns + column] == at(out, row, column);
    expectGradient(same, kernels->name, k, "rows added to others: in order, to the bit");
    expectGradient(gapsIntact(out), kernels->name, k, "rows added to others: writes outside its columns");
    freeMatrix(&out), free(wanted);
  }
  free(places);
}

static int checkGradients(int share, int shares) {
  static const ptrdiff_t sizes[] = {1, 5, 16, 60, 72, 100}, rowCounts[] = {1, 7, 50, 384, 385, 800};
  for (Cell cell = RNN; cell <= GRU; cell++)
    for (int size = 0; size < 36; size++) {
      if (((int)cell * 36 + size) % shares != share) continue;
      uint64_t state = (uint64_t)(size * 7 + cell);
      GradientCase k = {
        .cell = cell, .rows = rowCounts[(size + cell) % 6], .inputs = sizes[size / 6], .units = sizes[size % 6]};
      k.z = randomMatrix(k.rows, k.inputs + k.units, 3, 1, &state);
      k.dgates = randomMatrix(k.rows, slotsOf(cell) * k.units, 5, 1, &state);
      k.weights = randomMatrix(k.inputs + k.units, gatesOf(cell) * k.units, 0, 1, &state);
      Matrix fused = {0};
      for (int index = 0; index < setCount; index++) {
        const RecurraKernels *kernels = recurra_kernels_named(setNames[index]);
        if (!kernels) continue;
        checkWeightGradient(kernels, &k, &fused);
        checkInputGradient(kernels, &k);
        checkRowSums(kernels, &k);
        checkRowAdditions(kernels, &k);
      }
      freeMatrix(&fused), freeMatrix(&k.z), freeMatrix(&k.dgates), freeMatrix(&k.weights);
    }
  return gradientFailures;
}
