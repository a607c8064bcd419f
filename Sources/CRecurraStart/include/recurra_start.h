#ifndef RECURRA_START_H
#define RECURRA_START_H

// Nothing to call: what start.c does happens by itself, before and after the shared libraries of a program start.

#endif
