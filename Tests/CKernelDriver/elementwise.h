// Checks of what works element by element: maths at the edges, optimisers against double, sums, the control word.

static int elementwiseFailures;

static void demand(int condition, const char *isa, const char *what, size_t count) {
  if (condition) return;
  elementwiseFailures++;
  printf("FAIL %s: %s, %zu elements\n", isa, what, count);
}

enum { longest = 70 };

static void checkMaths(const RecurraKernels *k) {
  static const float edges[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN};
  static const float wanted[3][4] = {{1, 1, INFINITY, 0}, {0, -0.0f, 1, -1}, {0.5f, 0.5f, 1, 0}};
  void (*const functions[3])(const float *, float *, size_t) = {k->exp, k->tanh, k->sigmoid};
  uint64_t state = 7;
  float input[longest], single[longest];
  for (int index = 0; index < longest; index++) input[index] = 9 * randomFloat(&state);
  for (int function = 0; function < 3; function++) {
    float out[5];
    functions[function](edges, out, 5);
    const int exact = memcmp(out, wanted[function], sizeof wanted[function]) == 0 && isnan(out[4]);
    demand(exact, k->name, "exact at the edges", 5);
    for (int index = 0; index < longest; index++) functions[function](input + index, single + index, 1);
    for (size_t count = 0; count < longest; count++) {
      Matrix m = makeMatrix(2, longest, 0);
      memcpy(m.data, input, sizeof input);
      functions[function](m.data, m.data, count);
      demand(memcmp(m.data, single, count * sizeof(float)) == 0, k->name, "one by one and in place", count);
      const int kept = memcmp(m.data + count, input + count, (longest - count) * sizeof(float)) == 0;
      demand(kept, k->name, "past its end", count);
      freeMatrix(&m);
    }
  }
}

static int isClose(float got, double wanted) { return fabs((double)got - wanted) <= 1e-6 * (1 + fabs(wanted)); }

static void checkOptimizers(const RecurraKernels *k) {
  const float rate = 0.05f, scale = 0.7f, decay = 0.3f;
  uint64_t state = 3;
  for (size_t count = 1; count < longest; count += count < 20 ? 1 : 17)
    for (int variant = 0; variant < 4; variant++) {
      const int a = variant & 1, b = variant >> 1;
      float w[longest], g[longest], m[longest], v[longest], x[longest], got[longest];
      for (size_t i = 0; i < count; i++) {
        w[i] = randomFloat(&state), g[i] = randomFloat(&state), m[i] = 0.1f * randomFloat(&state);
        v[i] = 0.5f + 0.4f * randomFloat(&state), x[i] = v[i] + 0.1f * randomFloat(&state);
      }
      float m1[longest], v1[longest], x1[longest];
#define RESET memcpy(got, w, sizeof w), memcpy(m1, m, sizeof m), memcpy(v1, v, sizeof v), memcpy(x1, x, sizeof x)
#define EACH_ELEMENT for (size_t i = 0; i < count; i++)
#define START const double gi = (double)scale * g[i], wi = w[i] - (double)rate * decay * w[i]

      RESET;
      k->sgd(&(RecurraSGD){rate, 0.9f, b, scale, decay}, got, g, a ? m1 : NULL, count);
      EACH_ELEMENT {
        START;
        const double velocity = 0.9 * m[i] - rate * gi;
        const double change = !a ? -rate * gi : b ? 0.9 * velocity - rate * gi : velocity;
        demand(isClose(got[i], wi + change), k->name, "SGD", count);
        demand(!a || isClose(m1[i], velocity), k->name, "SGD's velocity", count);
      }
      RESET;
      k->rmsprop(
        &(RecurraRMSprop){rate, 0.8f, 0.9f, 1e-3f, scale, decay}, got, g, v1, a ? m1 : NULL, b ? x1 : NULL, count);
      EACH_ELEMENT {
        START;
        const double velocity = 0.8 * v[i] + 0.2 * gi * gi, average = 0.8 * m[i] + 0.2 * gi;
        double change = rate * gi / sqrt((a ? velocity - average * average : velocity) + 1e-3);
        if (b) change += 0.9 * x[i];
        demand(isClose(got[i], wi - change) && isClose(v1[i], velocity), k->name, "RMSprop", count);
        demand((!a || isClose(m1[i], average)) && (!b || isClose(x1[i], change)), k->name, "RMSprop's state", count);
      }
      RESET;
      k->adam(&(RecurraAdam){rate, 0.02f, 0.9f, 0.99f, 1e-3f, scale, decay}, got, g, m1, v1, a ? x1 : NULL, count);
      EACH_ELEMENT {
        START;
        const double moment = m[i] + (gi - m[i]) * 0.1, velocity = v[i] + (gi * gi - v[i]) * 0.01;
        const double maximum = a && x[i] > velocity ? x[i] : velocity;
        demand(isClose(got[i], wi - 0.02 * moment / (sqrt(maximum) + 1e-3)), k->name, "Adam", count);
        const int right = isClose(m1[i], moment) && isClose(v1[i], velocity) && (!a || isClose(x1[i], maximum));
        demand(right, k->name, "Adam's state", count);
      }
      RESET;
      k->adagrad(&(RecurraAdagrad){rate, 1e-3f, scale, decay}, got, g, v1, count);
      EACH_ELEMENT {
        START;
        const double sum = v[i] + gi * gi;
        demand(isClose(got[i], wi - rate * gi / sqrt(sum + 1e-3)) && isClose(v1[i], sum), k->name, "Adagrad", count);
      }
    }
}

static void checkSums(const RecurraKernels *k) {
  enum { count = 5003 };
  uint64_t state = 5;
  static float values[count];
  for (int index = 0; index < count; index++) values[index] = randomFloat(&state);
  for (size_t n = 0; n <= count; n += n < 100 ? 1 : 701) {
    double wanted = 0;
    for (size_t index = 0; index < n; index++) wanted += (double)values[index] * (double)values[index];
    const double got = k->sumOfSquares(values, n);
    demand(fabs(got - wanted) <= 1e-12 * (1 + wanted), k->name, "sum of squares", n);
    const double generic = recurra_kernels_named("generic")->sumOfSquares(values, n);
    demand(memcmp(&got, &generic, sizeof got) == 0, k->name, "sum of squares to the bit", n);
  }
  float total = 0;
  for (int index = 0; index < count; index++) total += values[index];
  demand(fabsf(k->readBurst(values, sizeof values) - total) < 1e-2f, k->name, "readBurst reads everything", count);
}

static float rowOfExponentials[1003];

/// Rows of a softmax against double, shifted far from zero; and to the bit against the same row of the first set with
/// fused multiply-add.
static void checkSoftmax(const RecurraKernels *k) {
  enum { most = 1003 };
  static float first[most], firstSums[most];
  static int hasFirst = 0;
  uint64_t state = 11;
  float input[most], scaled[most];
  for (int index = 0; index < most; index++) input[index] = 300 + 9 * randomFloat(&state);
  for (size_t count = 1; count <= most; count += count < 70 ? 1 : 311) {
    float largest = 0;
    for (int index = 0; index < most; index++) rowOfExponentials[index] = sentinel;
    const float sum = k->exponentials(input, rowOfExponentials, count, &largest);
    double wanted = 0, top = input[0];
    for (size_t index = 0; index < count; index++) top = top < input[index] ? input[index] : top;
    for (size_t index = 0; index < count; index++) wanted += exp((double)input[index] - top);
    demand(largest == (float)top, k->name, "largest of a row", count);
    demand(fabs(sum - wanted) <= 1e-6 * wanted, k->name, "sum of a row's exponentials", count);
    int isClose = 1;
    for (size_t index = 0; index < count; index++)
      isClose &= fabs(rowOfExponentials[index] - exp((double)input[index] - top)) <= 1e-6;
    demand(isClose, k->name, "a row's exponentials", count);
    demand(count == most || rowOfExponentials[count] == sentinel, k->name, "exponentials past the row's end", count);
    float again = 0;
    demand(k->exponentials(input, NULL, count, &again) == sum, k->name, "the sum alone", count);
    k->scale(rowOfExponentials, scaled, count, 1 / sum);
    demand(scaled[count - 1] == rowOfExponentials[count - 1] * (1 / sum), k->name, "a row scaled", count);
    if (strcmp(k->name, "generic") == 0) continue;
    if (hasFirst) demand(firstSums[count - 1] == sum, k->name, "the same sum by the other set", count);
    if (hasFirst && count == most)
      demand(memcmp(first, rowOfExponentials, sizeof first) == 0, k->name, "the same row by the other set", count);
    if (!hasFirst) firstSums[count - 1] = sum;
    if (!hasFirst && count + 311 > most) memcpy(first, rowOfExponentials, sizeof first);
  }
  if (strcmp(k->name, "generic") != 0) hasFirst = 1;
  input[7] = NAN;
  float largest = 0;
  demand(isnan(k->exponentials(input, NULL, 40, &largest)), k->name, "NaN in a row", 40);
}

/// Normalised rows and their gradients against double, lines against their definition; to the bit against the first set
/// with fused multiply-add.
static void checkRows(const RecurraKernels *k) {
  enum { most = 333 };
  static float firstNormal[most], firstGradient[most];
  static int hasFirst = 0;
  uint64_t state = 12;
  float x[most], normal[most], gradient[most], line[most];
  for (size_t count = 1; count <= most; count += count < 70 ? 1 : 263) {
    double mean = 0, variance = 0, ofGradient = 0, along = 0, wanted[most];
    for (size_t index = 0; index < most; index++) {
      x[index] = 5 + 3 * randomFloat(&state), gradient[index] = randomFloat(&state);
      normal[index] = line[index] = sentinel;
    }
    for (size_t index = 0; index < count; index++) mean += x[index] / (double)count;
    for (size_t index = 0; index < count; index++) variance += (x[index] - mean) * (x[index] - mean) / (double)count;
    const double factor = 1 / sqrt(variance + 1e-3);
    const float got = k->normalize(x, normal, count, 1e-3f);
    demand(fabs(got - factor) <= 1e-5 * factor, k->name, "factor of a normalised row", count);
    int isClose = 1;
    for (size_t index = 0; index < count; index++)
      isClose &= fabs(normal[index] - (x[index] - mean) * factor) <= 2e-5;
    demand(isClose, k->name, "a normalised row", count);
    demand(count == most || normal[count] == sentinel, k->name, "past a normalised row's end", count);
    for (size_t index = 0; index < count; index++) {
      ofGradient += gradient[index] / (double)count;
      along += (double)gradient[index] * normal[index] / (double)count;
    }
    for (size_t index = 0; index < count; index++)
      wanted[index] = got * (gradient[index] - ofGradient - normal[index] * along);
    k->normalizeBack(gradient, normal, count, got);
    for (size_t index = 0; index < count; index++) isClose &= fabs(gradient[index] - wanted[index]) <= 1e-4 * (1 + got);
    demand(isClose, k->name, "a normalised row's gradient", count);
    const RecurraLine bounds = {.factor = 2, .divisor = 6, .offset = -1.5f, .low = -0.25f, .high = 0.75f};
    k->line(&bounds, x, line, count);
    for (size_t index = 0; index < count; index++) {
      const float plain = x[index] * 2 / 6 - 1.5f;
      isClose &= line[index] == (plain < -0.25f ? -0.25f : plain > 0.75f ? 0.75f : plain);
    }
    demand(isClose, k->name, "a line between two bounds", count);
    demand(count == most || line[count] == sentinel, k->name, "past a line's end", count);
    if (strcmp(k->name, "generic") == 0 || count + 263 <= most) continue;
    if (hasFirst) {
      demand(memcmp(firstNormal, normal, sizeof(float) * count) == 0, k->name, "the same row by the other set", count);
      demand(
        memcmp(firstGradient, gradient, sizeof(float) * count) == 0, k->name, "the same gradient by the other set",
        count);
    }
    memcpy(firstNormal, normal, sizeof normal), memcpy(firstGradient, gradient, sizeof gradient);
    hasFirst = 1;
  }
  x[3] = NAN;
  const RecurraLine open = {.factor = 1, .divisor = 1, .low = 0, .high = 1};
  k->line(&open, x, line, 40);
  demand(isnan(line[3]), k->name, "NaN through a line", 40);
}

static void checkControlWord(void) {
  volatile float least = 0x1p-126f;
  const unsigned former = recurra_fp_enter();
  const float flushed = least * 0.5f;
  recurra_fp_leave(former);
  demand(flushed == 0 && least * 0.5f > 0, "any", "control word set and restored", 1);
  demand(!recurra_kernels_named("avx1024") && !recurra_kernels_named(""), "any", "an unknown name is refused", 0);
}

static int checkElementwise(void) {
  static const char *const names[] = {"generic", "avx2", "avx512", "neon"};
  for (int index = 0; index < 4; index++) {
    const RecurraKernels *kernels = recurra_kernels_named(names[index]);
    if (!kernels) continue;
    checkMaths(kernels);
    checkOptimizers(kernels);
    checkSums(kernels);
    checkSoftmax(kernels);
    checkRows(kernels);
  }
  checkControlWord();
  return elementwiseFailures;
}
