// Optimiser updates, each one pass over its buffers, in Keras 3's order; and the sum of squares for clipping.

INLINE Vector squareRoot(Vector x) { return __builtin_elementwise_sqrt(x); }

/// Loads weights after their decoupled decay.
INLINE Vector decayed(const float *weights, float learningRate, float weightDecay, ptrdiff_t lanes) {
  Vector w = loadLanes(weights, lanes);
  return fma(w, broadcast(-learningRate * weightDecay), w);
}

/// An optional buffer from `index` on.
INLINE float *from(float *buffer, ptrdiff_t index) { return buffer ? buffer + index : NULL; }

INLINE void sgdLanes(
  const RecurraSGD *settings, float *weights, const float *gradient, float *velocity, ptrdiff_t lanes
) {
  const Vector rate = broadcast(settings->learningRate), momentum = broadcast(settings->momentum);
  Vector g = loadLanes(gradient, lanes) * settings->gradientScale;
  Vector w = decayed(weights, settings->learningRate, settings->weightDecay, lanes);
  if (velocity) {
    Vector v = fma(momentum, loadLanes(velocity, lanes), -(rate * g));
    storeLanes(velocity, v, lanes);
    w += settings->nesterov ? fma(momentum, v, -(rate * g)) : v;
  } else {
    w = fma(-rate, g, w);
  }
  storeLanes(weights, w, lanes);
}

static void sgd(const RecurraSGD *settings, float *weights, const float *gradient, float *velocity, size_t count) {
#define UPDATE(index, lanes) sgdLanes(settings, weights + index, gradient + index, from(velocity, index), lanes)
  FOR_LANES(index, (ptrdiff_t)count, UPDATE);
#undef UPDATE
}

INLINE void rmspropLanes(
  const RecurraRMSprop *settings, float *weights, const float *gradient, float *velocity, float *average,
  float *moment, ptrdiff_t lanes
) {
  const Vector rho = broadcast(settings->rho), rest = broadcast(1 - settings->rho);
  Vector g = loadLanes(gradient, lanes) * settings->gradientScale;
  Vector w = decayed(weights, settings->learningRate, settings->weightDecay, lanes);
  Vector v = fma(rho, loadLanes(velocity, lanes), rest * (g * g));
  storeLanes(velocity, v, lanes);
  if (average) {
    Vector a = fma(rho, loadLanes(average, lanes), rest * g);
    storeLanes(average, a, lanes);
    v = fma(-a, a, v);
  }
  Vector change = settings->learningRate * g / squareRoot(v + settings->epsilon);
  if (moment) {
    change = fma(broadcast(settings->momentum), loadLanes(moment, lanes), change);
    storeLanes(moment, change, lanes);
  }
  storeLanes(weights, w - change, lanes);
}

static void rmsprop(
  const RecurraRMSprop *settings, float *weights, const float *gradient, float *velocity, float *average,
  float *moment, size_t count
) {
#define UPDATE(index, lanes)                                                                                 \
  rmspropLanes(                                                                                              \
    settings, weights + index, gradient + index, velocity + index, from(average, index), from(moment, index), lanes)
  FOR_LANES(index, (ptrdiff_t)count, UPDATE);
#undef UPDATE
}

INLINE void adamLanes(
  const RecurraAdam *settings, float *weights, const float *gradient, float *moment, float *velocity, float *maximum,
  ptrdiff_t lanes
) {
  Vector g = loadLanes(gradient, lanes) * settings->gradientScale;
  Vector w = decayed(weights, settings->learningRate, settings->weightDecay, lanes);
  Vector m = loadLanes(moment, lanes), v = loadLanes(velocity, lanes);
  m = fma(g - m, broadcast(1 - settings->beta1), m);
  v = fma(fma(g, g, -v), broadcast(1 - settings->beta2), v);
  storeLanes(moment, m, lanes);
  storeLanes(velocity, v, lanes);
  if (maximum) {
    Vector former = loadLanes(maximum, lanes);
    v = former < v ? v : former;
    storeLanes(maximum, v, lanes);
  }
  storeLanes(weights, w - settings->stepSize * m / (squareRoot(v) + settings->epsilon), lanes);
}

static void adam(
  const RecurraAdam *settings, float *weights, const float *gradient, float *moment, float *velocity, float *maximum,
  size_t count
) {
#define UPDATE(index, lanes)                                                                                    \
  adamLanes(                                                                                                    \
    settings, weights + index, gradient + index, moment + index, velocity + index, from(maximum, index), lanes)
  FOR_LANES(index, (ptrdiff_t)count, UPDATE);
#undef UPDATE
}

INLINE void adagradLanes(
  const RecurraAdagrad *settings, float *weights, const float *gradient, float *accumulator, ptrdiff_t lanes
) {
  Vector g = loadLanes(gradient, lanes) * settings->gradientScale;
  Vector w = decayed(weights, settings->learningRate, settings->weightDecay, lanes);
  Vector a = fma(g, g, loadLanes(accumulator, lanes));
  storeLanes(accumulator, a, lanes);
  storeLanes(weights, w - settings->learningRate * g / squareRoot(a + settings->epsilon), lanes);
}

static void adagrad(
  const RecurraAdagrad *settings, float *weights, const float *gradient, float *accumulator, size_t count
) {
#define UPDATE(index, lanes) adagradLanes(settings, weights + index, gradient + index, accumulator + index, lanes)
  FOR_LANES(index, (ptrdiff_t)count, UPDATE);
#undef UPDATE
}

/// 32 partial sums whatever the width. A float squared is exact in double, so FMA or not gives the same bits.
static double sumOfSquares(const float *values, size_t count) {
  enum { lanes = WIDTH < 8 ? WIDTH : WIDTH / 2, chains = 32 / lanes };
  typedef double Wide __attribute__((ext_vector_type(lanes)));
  typedef float Narrow __attribute__((ext_vector_type(lanes), aligned(4)));
  Wide sums[chains];
  for (int chain = 0; chain < chains; chain++) sums[chain] = (Wide)0.0;
  size_t index = 0;
  for (; index + 32 <= count; index += 32)
#pragma clang loop unroll(full)
    for (int chain = 0; chain < chains; chain++) {
      Wide value = __builtin_convertvector(*(const Narrow *)(values + index + chain * lanes), Wide);
      sums[chain] += value * value;
    }
  double total = 0;
  for (; index < count; index++) total += (double)values[index] * (double)values[index];
  for (int chain = 0; chain < chains; chain++)
    for (int lane = 0; lane < lanes; lane++) total += sums[chain][lane];
  return total;
}
