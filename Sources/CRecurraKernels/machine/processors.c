#define _GNU_SOURCE
#include "recurra_processors.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int recurra_processor_count(void) {
  cpu_set_t allowed;
  const int isKnown = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  const int count = isKnown ? CPU_COUNT(&allowed) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? count : 1;
}

int recurra_current_processor(void) { return sched_getcpu(); }

void recurra_name_worker(int number) {
  char name[16];
  snprintf(name, sizeof name, "recurra-%d", number);
  pthread_setname_np(pthread_self(), name);
}

int recurra_keep_off(pthread_t thread, int processor, cpu_set_t *allowed) {
  if (processor < 0 || processor >= CPU_SETSIZE) return 0;
  if (pthread_getaffinity_np(thread, sizeof *allowed, allowed) != 0 || CPU_COUNT(allowed) < 2) return 0;
  if (!CPU_ISSET((size_t)processor, allowed)) return 0;
  cpu_set_t others = *allowed;
  CPU_CLR((size_t)processor, &others);
  return pthread_setaffinity_np(thread, sizeof others, &others) == 0;
}

void recurra_let_back(int processor, cpu_set_t allowed) {
  cpu_set_t now, others = allowed;
  CPU_CLR((size_t)processor, &others);
  // Whoever has set something else meanwhile shall have it.
  if (sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &others))
    sched_setaffinity(0, sizeof allowed, &allowed);
}

size_t recurra_stack_left(void) {
  // Asked for once in a thread: of the first one the system reads it from a file.
  static _Thread_local char *lowest;
  if (!lowest) {
    pthread_attr_t attributes;
    void *address;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
    if (pthread_attr_getstack(&attributes, &address, &size) == 0) lowest = address;
    pthread_attr_destroy(&attributes);
  }
  char *const here = __builtin_frame_address(0);
  return lowest && here > lowest ? (size_t)(here - lowest) : 0;
}

long recurra_first_cache_bytes(void) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  const long size = sysconf(_SC_LEVEL1_DCACHE_SIZE);
  return size > 0 ? size : 0;
#else
  return 0;
#endif
}

long recurra_private_cache_bytes(void) {
#ifdef _SC_LEVEL2_CACHE_SIZE
  long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return size > 0 ? size : 0;
#else
  return 0;
#endif
}

long recurra_shared_cache_bytes(void) {
  // Not sysconf: on AMD it adds up the caches of all groups of cores, of which a core reaches one.
  FILE *file = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "re");
  if (!file) return 0;
  long size = 0;
  char unit = 0;
  if (fscanf(file, "%ld%c", &size, &unit) < 1 || size < 0) size = 0;
  fclose(file);
  return unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size;
}
