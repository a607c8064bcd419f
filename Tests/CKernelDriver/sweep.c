// Every float there is through exp, tanh and sigmoid of every instruction set, against double: about a minute.
#include "cases.h"

#include <pthread.h>

enum { blockSize = 1 << 14, threads = 2, tables = 4, functions = 3 };

static const char *const functionNames[functions] = {"exp", "tanh", "sigmoid"};
static const char *const tableNames[tables] = {"generic", "avx2", "avx512", "neon"};

typedef struct {
  double ulp[tables][functions];
  float worst[tables][functions];
  uint64_t wrong[tables][functions];   // NaN, Inf, 0 or a bound missed
  uint64_t different[tables][functions];  // other bits than the first set with FMA
  int index;
} Sweep;

/// The function in double; polynomials and limits stand in where they are exact to 2^-50 and far faster.
static double wanted(int function, double x) {
  const double a = fabs(x);
  if (function == 0 && a < 0x1p-14) return 1 + x + x * x / 2 + x * x * x / 6;
  if (function == 0) return x > 90 ? HUGE_VAL : x < -105 ? 0 : exp(x);
  if (function == 1 && a < 0x1p-10) return x - x * x * x / 3 + 2 * x * x * x * x * x / 15;
  if (function == 1) return a > 20 ? copysign(1, x) : tanh(x);
  if (a < 0x1p-10) return 0.5 + x / 4 - x * x * x / 48;
  return x > 40 ? 1 : x < -150 ? 0 : 1 / (1 + exp(-x));
}

static double spacing(double value) {
  const double a = fabs(value);
  return a < 0x1p-126 ? 0x1p-149 : ldexp(1, ilogb(a) - 23);
}

static void *sweep(void *argument) {
  Sweep *s = argument;
  float *input = aligned(blockSize), *output[tables];
  double *reference = malloc(blockSize * sizeof *reference);
  for (int table = 0; table < tables; table++) output[table] = aligned(blockSize);
  for (uint64_t block = (uint64_t)s->index; block < (1ull << 32) / blockSize; block += threads) {
    for (uint32_t index = 0; index < blockSize; index++) {
      const uint32_t bits = (uint32_t)(block * blockSize + index);
      memcpy(&input[index], &bits, sizeof bits);
    }
    for (int function = 0; function < functions; function++) {
      for (int index = 0; index < blockSize; index++) reference[index] = wanted(function, input[index]);
      int first = -1;
      for (int table = 0; table < tables; table++) {
        const RecurraKernels *k = recurra_kernels_named(tableNames[table]);
        if (!k) continue;
        (function == 0 ? k->exp : function == 1 ? k->tanh : k->sigmoid)(input, output[table], blockSize);
        if (table > 0 && first < 0) first = table;
        if (table > first && first > 0 && memcmp(output[table], output[first], blockSize * sizeof(float)))
          s->different[table][function]++;
        for (int index = 0; index < blockSize; index++) {
          const float got = output[table][index];
          const double want = reference[index];
          if (isnan(want) || isnan(got)) {
            if (isnan(want) != isnan(got)) s->wrong[table][function]++;
            continue;
          }
          // Sigmoid may flush a subnormal result.
          if (function == 2 && want < 0x1p-126 && got < 0x1p-126f) continue;
          if ((float)want == got) continue;
          if (isinf(got) || isinf(want) || want == 0 || input[index] == 0 || fabs(got) > (function ? 1 : HUGE_VAL)) {
            if (!(want == 0 && got == 0)) s->wrong[table][function]++;
            continue;
          }
          const double ulp = fabs(got - want) / spacing(want);
          if (ulp > s->ulp[table][function]) s->ulp[table][function] = ulp, s->worst[table][function] = input[index];
        }
      }
    }
  }
  return NULL;
}

int main(void) {
  static Sweep sweeps[threads];
  pthread_t workers[threads];
  for (int index = 0; index < threads; index++) {
    sweeps[index].index = index;
    pthread_create(&workers[index], NULL, sweep, &sweeps[index]);
  }
  for (int index = 0; index < threads; index++) pthread_join(workers[index], NULL);
  int failed = 0;
  for (int table = 0; table < tables; table++) {
    if (!recurra_kernels_named(tableNames[table])) continue;
    for (int function = 0; function < functions; function++) {
      double ulp = 0;
      float worst = 0;
      uint64_t wrong = 0, different = 0;
      for (int index = 0; index < threads; index++) {
        if (sweeps[index].ulp[table][function] > ulp) {
          ulp = sweeps[index].ulp[table][function];
          worst = sweeps[index].worst[table][function];
        }
        wrong += sweeps[index].wrong[table][function];
        different += sweeps[index].different[table][function];
      }
      // A ULP is at most 2^-23 of a normal value, so 4 of them bound sigmoid's relative error by 4.8e-7.
      failed |= wrong || different || ulp > (function == 2 ? 4 : 2);
      printf("%-8s %-8s %.3f ULP at %.9g (%a), %llu wrong, %llu blocks differ\n", tableNames[table],
             functionNames[function], ulp, worst, worst, (unsigned long long)wrong, (unsigned long long)different);
    }
  }
  return failed;
}
