#ifndef RECURRA_PROCESSORS_H
#define RECURRA_PROCESSORS_H

/// Counts the processors this process may run on (its affinity mask), at least 1.
int recurra_processor_count(void);

#endif
