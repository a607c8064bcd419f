// Any CPU: four lanes, and no FMA, which old x86-64 lacks.
#include "isa.h"

#define RECURRA_WIDTH 4
#define RECURRA_REGISTERS 16
#define RECURRA_FMA 0
#include "table.h"

RECURRA_TABLE(recurra_table_generic, "generic")
