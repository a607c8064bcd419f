// x86-64 with AVX-512: 32 registers of sixteen lanes and masks.
#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define RECURRA_WIDTH 16
#define RECURRA_REGISTERS 32
#define RECURRA_FMA 1
#define RECURRA_MASK_AVX512

#define RECURRA_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prfchw")))
#pragma clang attribute push(RECURRA_TARGET, apply_to = function)
#include "table.h"
#pragma clang attribute pop

RECURRA_TABLE(recurra_table_avx512, "avx512")
#endif
