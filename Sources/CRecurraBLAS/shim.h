#include <cblas.h>

/// Ends OpenBLAS' own worker threads; they start again should a product ever ask for more than one. Absent in some
/// builds.
extern int blas_thread_shutdown_(void) __attribute__((weak));

/// Tells whether there are workers to end. Absent in some builds.
extern int blas_server_avail __attribute__((weak));

/// Take and give one of the buffers that every product needs. What was taken once stays mapped. Absent in some builds.
extern void *blas_memory_alloc(int purpose) __attribute__((weak));
extern void blas_memory_free(void *buffer) __attribute__((weak));

/// Ends OpenBLAS' own worker threads and waits for them: threads that are merely not used would spin for a tenth of a
/// second after the program starts, on a core of ours.
static inline void recurra_blas_end_workers(void) {
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}

/// Lets workers be that would not end: OpenBLAS would wait for them at the end of the process, and before a fork.
static inline void recurra_blas_leave_workers(void) {
  if (&blas_server_avail) blas_server_avail = 0;
}

/// Lets OpenBLAS map buffers for further products at the same time, up to 128.
static inline void recurra_blas_map_buffers(int count) {
  void *buffers[128];
  if (!blas_memory_alloc || !blas_memory_free) return;
  if (count > 128) count = 128;
  for (int index = 0; index < count; index++) buffers[index] = blas_memory_alloc(0);
  for (int index = 0; index < count; index++)
    if (buffers[index]) blas_memory_free(buffers[index]);
}
