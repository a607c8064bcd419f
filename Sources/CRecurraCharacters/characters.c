// The texts and the model stand in the program itself, for the reasons that the words of CRecurraSyllables do.
#include "recurra_characters.h"

// Every clang that comes with Swift 6.2 or newer has #embed, in C11 as an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t tang[] = {
#embed "../recur/Resources/tang.txt"
};

static const uint8_t sawyer[] = {
#embed "../recur/Resources/sawyer.txt"
};

static const uint8_t model[] = {
#embed "../recur/Resources/characters.safetensors"
};

const uint8_t *recurra_tang(size_t *count) {
  *count = sizeof tang;
  return tang;
}

const uint8_t *recurra_sawyer(size_t *count) {
  *count = sizeof sawyer;
  return sawyer;
}

const uint8_t *recurra_character_model(size_t *count) {
  *count = sizeof model;
  return model;
}
