// A matrix by itself: rows times packed columns against the canonical chain, however rows and panels are divided.

static void checkMatrix(const RecurraKernels *kernels, const Case *k) {
  const RecurraMatrixKernels *matrix = &kernels->matrix;
  const ptrdiff_t inputs = k->inputs, units = k->weights.columns, panels = matrix->panels(units);
  const int fused = strcmp(kernels->name, "generic") != 0;
  const size_t size = matrix->packedSize(inputs, units);
  float *packed = aligned(size), *scratch = scratchOf(matrix->scratchSize(k->rows));
  memset(packed, 0xff, size * sizeof(float));
  for (ptrdiff_t panel = panels; panel-- > 0;)
    matrix->pack(inputs, units, k->weights.data, packed, panel, panel + 1);
  uint64_t state = 3;
  Matrix bias = randomMatrix(1, units, 0, 1, &state), wanted = makeMatrix(k->rows, units, 3);
  for (ptrdiff_t row = 0; row < k->rows; row++) {
    float *sums = wanted.data + row * wanted.stride;
    memcpy(sums, bias.data, (size_t)units * sizeof(float));
    for (ptrdiff_t depth = 0; depth < inputs; depth++)
      for (ptrdiff_t unit = 0; unit < units; unit++)
        sums[unit] = chainStep(fused, at(k->x, row, depth), at(k->weights, depth, unit), sums[unit]);
  }
  static const ptrdiff_t rowCounts[] = {66, 1, 2, 3, 7, 13, 48, 49};
  for (int index = 0; index < 8; index++) {
    const ptrdiff_t rows = rowCounts[index], cut = index % 3 + 1;
    Matrix out = makeMatrix(k->rows, units, 5);
    for (ptrdiff_t first = 0; first < k->rows; first += rows)
      for (ptrdiff_t begin = 0; begin < panels; begin += cut)
        matrix->product(&(RecurraProduct){
          .rows = rows < k->rows - first ? rows : k->rows - first, .inputs = inputs, .units = units,
          .panels = {begin, begin + cut < panels ? begin + cut : panels}, .x = rowsFrom(k->x, first),
          .init = {bias.data, 0}, .packed = packed, .out = rowsFrom(out, first), .scratch = scratch});
    expect(sameBits(out, wanted, 0, k->rows), kernels->name, k, "a matrix: canonical chain to the bit");
    expect(gapsIntact(out), kernels->name, k, "a product writes outside its columns");
    freeMatrix(&out);
  }
  freeMatrix(&bias), freeMatrix(&wanted), free(packed), free(scratch);
}
