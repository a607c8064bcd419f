// The tables that dispatch.c chooses from; each exists where its isa_*.c compiles to something.
#include "recurra_kernels.h"

#pragma GCC visibility push(hidden)
extern RecurraDistances recurra_distances_in_force;
extern const RecurraKernels recurra_table_generic;
extern const RecurraKernels recurra_table_avx2;
extern const RecurraKernels recurra_table_avx512;
extern const RecurraKernels recurra_table_neon;
#pragma GCC visibility pop
