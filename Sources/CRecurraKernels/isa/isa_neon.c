// arm64: NEON and FMA are its baseline; 32 registers of four lanes.
#include "isa.h"

#if defined(__aarch64__)

#define RECURRA_WIDTH 4
#define RECURRA_REGISTERS 32
#define RECURRA_FMA 1
#include "table.h"

RECURRA_TABLE(recurra_table_neon, "neon")
#endif
