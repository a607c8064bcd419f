// Which table this CPU gets, and the two things a kernel's thread asks of its core.
#include "isa.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

RecurraDistances recurra_distances_in_force = {1 << 18, 1 << 23};

RecurraDistances recurra_distances(void) { return recurra_distances_in_force; }
void recurra_choose_distances(RecurraDistances distances) { recurra_distances_in_force = distances; }

const RecurraKernels *recurra_kernels_named(const char *isa) {
  if (strcmp(isa, "generic") == 0) return &recurra_table_generic;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (avx2 && strcmp(isa, "avx2") == 0) return &recurra_table_avx2;
  if (avx512 && strcmp(isa, "avx512") == 0) return &recurra_table_avx512;
#elif defined(__aarch64__)
  if (strcmp(isa, "neon") == 0) return &recurra_table_neon;
#endif
  return NULL;
}

const RecurraKernels *recurra_kernels_best(void) {
  static const char *const fastestFirst[] = {"avx512", "avx2", "neon"};
  for (size_t index = 0; index < sizeof fastestFirst / sizeof *fastestFirst; index++) {
    const RecurraKernels *kernels = recurra_kernels_named(fastestFirst[index]);
    if (kernels) return kernels;
  }
  return &recurra_table_generic;
}

unsigned recurra_fp_enter(void) {
#if defined(__x86_64__)
  const unsigned former = _mm_getcsr();
  _mm_setcsr(former | 0x8040);  // FTZ and DAZ
  return former;
#elif defined(__aarch64__)
  uint64_t former;
  __asm__ volatile("mrs %0, fpcr" : "=r"(former));
  __asm__ volatile("msr fpcr, %0" ::"r"(former | 1u << 24));  // FZ
  return (unsigned)former;
#else
  return 0;
#endif
}

void recurra_fp_leave(unsigned former) {
#if defined(__x86_64__)
  _mm_setcsr(former);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)former));
#else
  (void)former;
#endif
}

void recurra_pause(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
