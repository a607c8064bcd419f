// x86-64 with a matrix unit: AVX-512, and products of floats split into three bfloat16 on AMX' tiles.
#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define RECURRA_WIDTH 16
#define RECURRA_REGISTERS 32
#define RECURRA_FMA 1
#define RECURRA_MASK_AVX512
#define RECURRA_MATRIX_UNIT 1

#define RECURRA_TARGET \
  __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prfchw,amx-tile,amx-bf16")))
#pragma clang attribute push(RECURRA_TARGET, apply_to = function)
#include "table.h"
#pragma clang attribute pop

RECURRA_TABLE(recurra_table_amx, "amx")
#endif
