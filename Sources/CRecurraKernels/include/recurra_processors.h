#ifndef RECURRA_PROCESSORS_H
#define RECURRA_PROCESSORS_H

/// Counts the processors this process may run on (its affinity mask), at least 1.
int recurra_processor_count(void);

/// Returns the size of the second-level cache in bytes, 0 where the system does not tell.
long recurra_private_cache_bytes(void);

/// Returns the size of the third-level cache that the first core reaches in bytes, 0 where the system does not tell.
long recurra_shared_cache_bytes(void);

#endif
