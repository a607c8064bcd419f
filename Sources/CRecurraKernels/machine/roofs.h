// What the core could do at best, for benchmarks to divide by.

static double fmaBurst(size_t iterations) {
  enum { chains = RECURRA_REGISTERS == 32 ? 24 : 12 };
  Vector sums[chains];
  for (int chain = 0; chain < chains; chain++) sums[chain] = broadcast((float)chain);
  Vector factor = broadcast(0.5f), term = broadcast(1.0f);
  // Opaque, or the compiler would work out the result.
  __asm__ volatile("" : "+m"(factor), "+m"(term));
  for (size_t iteration = 0; iteration < iterations; iteration++)
#pragma clang loop unroll(full)
    for (int chain = 0; chain < chains; chain++) sums[chain] = fma(sums[chain], factor, term);
  for (int chain = 0; chain < chains; chain++) __asm__ volatile("" ::"m"(sums[chain]));
  return 2.0 * WIDTH * chains * (double)iterations;
}

static float readBurst(const void *bytes, size_t count) {
  enum { chains = 8 };
  const float *values = bytes;
  const size_t floats = count / sizeof(float);
  Vector sums[chains];
  for (int chain = 0; chain < chains; chain++) sums[chain] = broadcast(0);
  size_t index = 0;
  for (; index + chains * WIDTH <= floats; index += chains * WIDTH)
#pragma clang loop unroll(full)
    for (int chain = 0; chain < chains; chain++) sums[chain] += load(values + index + (size_t)chain * WIDTH);
  float total = 0;
  for (; index < floats; index++) total += values[index];
  for (int chain = 0; chain < chains; chain++)
    for (int lane = 0; lane < WIDTH; lane++) total += sums[chain][lane];
  return total;
}
