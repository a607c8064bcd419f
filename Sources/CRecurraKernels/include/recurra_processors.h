#ifndef RECURRA_PROCESSORS_H
#define RECURRA_PROCESSORS_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>

/// Counts the processors this process may run on (its affinity mask), at least 1.
int recurra_processor_count(void);

/// Returns the processor that the calling thread is on.
int recurra_current_processor(void);

/// Names the calling thread recurra-<number>, as `top -H` and debuggers show it.
void recurra_name_worker(int number);

/// Takes a processor out of those that a thread may run on, unless it is the last. Returns whether it was taken out,
/// and in `allowed` those that the thread might run on before.
int recurra_keep_off(pthread_t thread, int processor, cpu_set_t *allowed);

/// Lets the calling thread, which was kept off a processor, run where it might before.
void recurra_let_back(int processor, cpu_set_t allowed);

/// Returns how many bytes of the calling thread's stack are left, 0 where the system does not tell.
size_t recurra_stack_left(void);

/// Returns the size of the first-level data cache in bytes, 0 where the system does not tell.
long recurra_first_cache_bytes(void);

/// Returns the size of the second-level cache in bytes, 0 where the system does not tell.
long recurra_private_cache_bytes(void);

/// Returns the size of the third-level cache that the first core reaches in bytes, 0 where the system does not tell.
long recurra_shared_cache_bytes(void);

#endif
