// Which table this CPU gets, and the two things a kernel's thread asks of its core.
#define _GNU_SOURCE
#include "isa.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

/// Whether tiles may be used: a process has to ask for them, because its threads then have 8 KiB more to save.
static int mayUseTiles(void) {
  enum { requestPermission = 0x1023, tileData = 18 };
  return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile") &&
         syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}
#elif defined(__x86_64__)
static int mayUseTiles(void) { return 0; }
#endif

const RecurraKernels *recurra_kernels_named(const char *isa) {
  if (strcmp(isa, "generic") == 0) return &recurra_table_generic;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (avx2 && strcmp(isa, "avx2") == 0) return &recurra_table_avx2;
  if (avx512 && strcmp(isa, "avx512") == 0) return &recurra_table_avx512;
  if (avx512 && strcmp(isa, "amx") == 0 && mayUseTiles()) return &recurra_table_amx;
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
