#ifndef RECURRA_VOWELS_H
#define RECURRA_VOWELS_H

#include <stddef.h>
#include <stdint.h>

/// The bytes of Sources/recur/Resources/vowels.safetensors: utterances by nine speakers.
const uint8_t *recurra_vowels(size_t *count);

#endif
