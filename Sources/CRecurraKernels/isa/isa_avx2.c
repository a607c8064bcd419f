// x86-64 with AVX2 and FMA: 16 registers of eight lanes.
#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define RECURRA_WIDTH 8
#define RECURRA_REGISTERS 16
#define RECURRA_FMA 1
#define RECURRA_MASK_AVX2

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "table.h"
#pragma clang attribute pop

RECURRA_TABLE(recurra_table_avx2, "avx2")
#endif
