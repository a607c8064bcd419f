// The cells in double, as plain loops; and the canonical float chain that every kernel must reproduce to the bit.

/// One FMA as the instruction set under test does it.
static inline float chainStep(int fused, float a, float b, float c) {
  if (fused) return fmaf(a, b, c);
  volatile float product = a * b;
  return product + c;
}

typedef struct {
  Cell cell;
  ptrdiff_t rows, inputs, units;
  Matrix x, h, c, weights, bias, parameters;             // operands of forward
  Matrix dgatesNext, dy, dhCarry, dc;                    // operands of backward
  Matrix sums;                                           // canonical pre-activations, float
  Matrix hNext, cNext, gates;                            // in double precision, rounded
  Matrix dh, dhOut, dcOut, dgates;                       // dh: canonical float
} Case;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static inline ptrdiff_t slotOfGate(Cell cell, ptrdiff_t gate, int recurrent) {
  return cell == GRU && gate == 2 ? 2 + recurrent : gate;
}

static void canonicalSums(Case *k, int fused) {
  const ptrdiff_t units = k->units, gates = gatesOf(k->cell);
  k->sums = makeMatrix(k->rows, slotsOf(k->cell) * units, 3);
  for (ptrdiff_t row = 0; row < k->rows; row++) {
    float *sums = k->sums.data + row * k->sums.stride;
    memcpy(sums, k->bias.data, (size_t)k->bias.columns * sizeof(float));
    for (ptrdiff_t depth = 0; depth < k->inputs + units; depth++) {
      const int recurrent = depth >= k->inputs;
      const float z = recurrent ? at(k->h, row, depth - k->inputs) : at(k->x, row, depth);
      for (ptrdiff_t gate = 0; gate < gates; gate++) {
        const float *weights = k->weights.data + depth * gates * units + gate * units;
        float *slot = sums + slotOfGate(k->cell, gate, recurrent) * units;
        for (ptrdiff_t unit = 0; unit < units; unit++) slot[unit] = chainStep(fused, z, weights[unit], slot[unit]);
      }
    }
  }
}

/// What a gate makes of the memory: input 0, forget 1, output 2; nothing but in the cell with peepholes.
static double peephole(const Case *k, ptrdiff_t gate, ptrdiff_t unit) {
  return k->cell == PEEPHOLE ? at(k->parameters, 0, gate * k->units + unit) : 0;
}

static void referenceForward(Case *k) {
  const ptrdiff_t units = k->units, slots = slotsOf(k->cell), gates = gatesOf(k->cell);
  k->hNext = makeMatrix(k->rows, units, 3);
  k->cNext = makeMatrix(k->rows, units, 3);
  k->gates = makeMatrix(k->rows, slots * units, 3);
  double *sums = malloc((size_t)(slots * units) * sizeof(double));
  for (ptrdiff_t row = 0; row < k->rows; row++) {
    for (ptrdiff_t column = 0; column < slots * units; column++) sums[column] = at(k->bias, 0, column);
    for (ptrdiff_t depth = 0; depth < k->inputs + units; depth++) {
      const int recurrent = depth >= k->inputs;
      const double z = recurrent ? at(k->h, row, depth - k->inputs) : at(k->x, row, depth);
      for (ptrdiff_t gate = 0; gate < gates; gate++)
        for (ptrdiff_t unit = 0; unit < units; unit++)
          sums[slotOfGate(k->cell, gate, recurrent) * units + unit] +=
            z * k->weights.data[(depth * gates + gate) * units + unit];
    }
    float *out = k->gates.data + row * k->gates.stride;
    for (ptrdiff_t unit = 0; unit < units; unit++) {
      const double a = sums[unit], b = sums[(1 % slots) * units + unit];
      const double p = sums[(2 % slots) * units + unit], q = sums[(3 % slots) * units + unit];
      double h;
      if (k->cell == RNN) {
        out[unit] = (float)(h = tanh(a));
      } else if (hasMemory(k->cell)) {
        const double before = at(k->c, row, unit);
        const double i = sigmoid(a + peephole(k, 0, unit) * before), f = sigmoid(b + peephole(k, 1, unit) * before);
        const double c = f * before + i * tanh(p), o = sigmoid(q + peephole(k, 2, unit) * c);
        k->cNext.data[row * k->cNext.stride + unit] = (float)c;
        h = o * tanh(c);
        out[unit] = (float)i, out[units + unit] = (float)f;
        out[2 * units + unit] = (float)tanh(p), out[3 * units + unit] = (float)o;
      } else {
        const double z = sigmoid(a), r = sigmoid(b), n = tanh(p + r * q);
        h = (1 - z) * n + z * at(k->h, row, unit);
        out[unit] = (float)z, out[units + unit] = (float)r;
        out[2 * units + unit] = (float)n, out[3 * units + unit] = (float)q;
      }
      k->hNext.data[row * k->hNext.stride + unit] = (float)h;
    }
  }
  free(sums);
}

/// dh, for rows below productRows with the product, in the canonical float chain.
static Matrix canonicalGradient(const Case *k, ptrdiff_t productRows, int fused) {
  const ptrdiff_t units = k->units, gates = gatesOf(k->cell);
  Matrix dh = makeMatrix(k->rows, units, 2);
  for (ptrdiff_t row = 0; row < k->rows; row++)
    for (ptrdiff_t unit = 0; unit < units; unit++) {
      float sum = at(k->dhCarry, row, unit) + at(k->dy, row, unit);
      const float *weights = k->weights.data + (k->inputs + unit) * gates * units;
      if (row < productRows)
        for (ptrdiff_t gate = 0; gate < gates; gate++)
          for (ptrdiff_t column = 0; column < units; column++) {
            const float left = at(k->dgatesNext, row, slotOfGate(k->cell, gate, 1) * units + column);
            sum = chainStep(fused, left, weights[gate * units + column], sum);
          }
      dh.data[row * dh.stride + unit] = sum;
    }
  return dh;
}

/// The gates' derivatives in double from the rounded gates of referenceForward.
static void referenceBackward(Case *k) {
  const ptrdiff_t units = k->units, slots = slotsOf(k->cell);
  k->dgates = makeMatrix(k->rows, slots * units, 3);
  k->dcOut = makeMatrix(k->rows, units, 3);
  k->dhOut = makeMatrix(k->rows, units, 3);
  for (ptrdiff_t row = 0; row < k->rows; row++)
    for (ptrdiff_t unit = 0; unit < units; unit++) {
      const float *gates = k->gates.data + row * k->gates.stride + unit;
      float *out = k->dgates.data + row * k->dgates.stride + unit;
      float *carry = &k->dhOut.data[row * k->dhOut.stride + unit];
      const double dh = at(k->dh, row, unit);
      *carry = 0;
      if (k->cell == RNN) {
        const double h = at(k->hNext, row, unit);
        out[0] = (float)(dh * (1 - h * h));
      } else if (hasMemory(k->cell)) {
        const double i = gates[0], f = gates[units], g = gates[2 * units], o = gates[3 * units];
        const double t = tanh(at(k->cNext, row, unit));
        const double ofO = dh * t * o * (1 - o);
        const double dc = at(k->dc, row, unit) + dh * o * (1 - t * t) + ofO * peephole(k, 2, unit);
        const double ofI = dc * g * i * (1 - i), ofF = dc * at(k->c, row, unit) * f * (1 - f);
        out[0] = (float)ofI, out[units] = (float)ofF;
        out[2 * units] = (float)(dc * i * (1 - g * g)), out[3 * units] = (float)ofO;
        k->dcOut.data[row * k->dcOut.stride + unit] =
          (float)(dc * f + ofI * peephole(k, 0, unit) + ofF * peephole(k, 1, unit));
      } else {
        const double z = gates[0], r = gates[units], n = gates[2 * units], q = gates[3 * units];
        const double dn = dh * (1 - z) * (1 - n * n);
        out[0] = (float)(dh * (at(k->h, row, unit) - n) * z * (1 - z)), out[units] = (float)(dn * q * r * (1 - r));
        out[2 * units] = (float)dn, out[3 * units] = (float)(dn * r);
        *carry = (float)(dh * z);
      }
    }
}
