#define _GNU_SOURCE
#include "recurra_processors.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int recurra_processor_count(void) {
  cpu_set_t allowed;
  int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? count : 1;
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
