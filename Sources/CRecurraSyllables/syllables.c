// The words stand in the program itself: a resource bundle would bring all of Foundation, and with it twice the
// start-up time and half as much memory again for every subcommand, and would have to travel with the program.
#include "recurra_syllables.h"

// Every clang that comes with Swift 6.2 or newer has #embed, in C11 as an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t syllables[] = {
#embed "../recur/Resources/syllables.txt"
};

const uint8_t *recurra_syllables(size_t *count) {
  *count = sizeof syllables;
  return syllables;
}
