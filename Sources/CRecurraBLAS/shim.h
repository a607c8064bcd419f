#include <cblas.h>

/// Ends OpenBLAS' own worker threads; they start again should a product ever ask for more than one. Absent in some builds.
extern int blas_thread_shutdown_(void) __attribute__((weak));

/// Takes the threads out of OpenBLAS: every product runs on the thread that calls it.
static inline void recurra_blas_use_calling_thread(void) {
  openblas_set_num_threads(1);
  // Threads that are merely not used would spin for a tenth of a second after the program starts, on a core of ours.
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}
