#ifndef RECURRA_SYLLABLES_H
#define RECURRA_SYLLABLES_H

#include <stddef.h>
#include <stdint.h>

/// The bytes of Sources/recur/Resources/syllables.txt: lines of a word and its number of syllables.
const uint8_t *recurra_syllables(size_t *count);

#endif
