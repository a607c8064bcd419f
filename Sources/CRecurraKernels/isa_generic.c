#include "recurra_kernels.h"
