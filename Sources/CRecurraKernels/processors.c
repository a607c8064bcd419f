#define _GNU_SOURCE
#include "recurra_processors.h"

#include <sched.h>
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
