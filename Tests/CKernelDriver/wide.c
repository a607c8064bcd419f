// The kernels of AVX-512 in vectors of two halves, so that they can be checked on a processor without it; all but its
// masks.
#include "isa.h"

#define RECURRA_WIDTH 16
#define RECURRA_REGISTERS 32
#define RECURRA_FMA 1

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "table.h"
#pragma clang attribute pop

RECURRA_TABLE(recurra_table_avx512, "avx512")
