#ifndef RECURRA_CHARACTERS_H
#define RECURRA_CHARACTERS_H

#include <stddef.h>
#include <stdint.h>

/// The bytes of Sources/recur/Resources/tang.txt: verses of Tang poems.
const uint8_t *recurra_tang(size_t *count);

/// The bytes of Sources/recur/Resources/sawyer.txt: chapters of an English novel.
const uint8_t *recurra_sawyer(size_t *count);

/// The bytes of Sources/recur/Resources/characters.safetensors: a model that has read both.
const uint8_t *recurra_character_model(size_t *count);

#endif
