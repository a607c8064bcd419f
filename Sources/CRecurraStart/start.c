// Keeps a program alive in which OpenBLAS cannot start its threads; only for executables, which alone may have a
// .preinit_array.
#define _GNU_SOURCE
#include "recurra_start.h"

#include <signal.h>
#include <unistd.h>

static struct sigaction former;

/// OpenBLAS starts its threads before main. Where the system gives it none (ulimit -u), it says so and sends its own
/// process a SIGINT, though with one thread, as the engine uses it, it lacks nothing.
static void ignoreOwn(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_pid == getpid()) return;
  sigaction(SIGINT, &former, NULL);
  raise(signal);
}

static void beforeLibraries(void) {
  sigaction(SIGINT, NULL, &former);
  if (former.sa_handler != SIG_DFL) return;
  struct sigaction own = {.sa_sigaction = ignoreOwn, .sa_flags = SA_SIGINFO};
  sigaction(SIGINT, &own, NULL);
}

__attribute__((section(".preinit_array"), used)) static void (*const atStart)(void) = beforeLibraries;

__attribute__((constructor)) static void afterLibraries(void) {
  struct sigaction now;
  sigaction(SIGINT, NULL, &now);
  if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != ignoreOwn) return;
  // Whoever starts a process may have blocked the signal: what waits is let through while it is still ignored.
  sigset_t interrupt, mask;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_UNBLOCK, &interrupt, &mask);
  sigprocmask(SIG_SETMASK, &mask, NULL);
  sigaction(SIGINT, &former, NULL);
}
