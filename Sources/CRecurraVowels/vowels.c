// The utterances stand in the program itself, for the reasons that the words of CRecurraSyllables do.
#include "recurra_vowels.h"

// Every clang that comes with Swift 6.2 or newer has #embed, in C11 as an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t vowels[] = {
#embed "../recur/Resources/vowels.safetensors"
};

const uint8_t *recurra_vowels(size_t *count) {
  *count = sizeof vowels;
  return vowels;
}
