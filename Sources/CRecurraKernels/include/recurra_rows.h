// A row that several threads make together, turn after turn, each a part of its own.
//
// What a member has made travels along with the news that it is there: a line of memory carries fifteen floats and the
// turn they belong to, and crosses from cache to cache once, where a flag and then the floats it stands for would cross
// one after the other. Each member keeps a whole row, so of what others write it reads their lines alone.
#ifndef RECURRA_ROWS_H
#define RECURRA_ROWS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma clang assume_nonnull begin

enum { RECURRA_LINE_BYTES = 64, RECURRA_LINE_SLOTS = 16, RECURRA_LINE_FLOATS = 15 };

/// A member, and where the rows and lines of all lie: those of even and of odd turns take turns.
typedef struct RecurraRowMember {
  ptrdiff_t rank, members;
  const ptrdiff_t *_Nullable parts;  // [members + 1] where each part begins, and the end of the row; none is empty
  char *_Nullable base;  // of each member two rows, two of c, and the lines of two turns, memberBytes together
  ptrdiff_t rowBytes, givenBytes, memberBytes;
  int32_t *_Nullable lastTurn;  // the turn after which the members part, 0 for none
  /// Returns when the turn is at the place.
  void (*_Nullable await)(void *_Nullable waiter, const int32_t *place, int32_t turn);
  void *_Nullable waiter;
} RecurraRowMember;

/// Tells the core that this thread spins.
void recurra_pause(void);

/// The member's own row of a turn, which lasts until the turn after the next is made.
static inline float *recurra_row(const RecurraRowMember *member, ptrdiff_t turn) {
  return (float *)(member->base + member->rank * member->memberBytes + (turn & 1) * member->rowBytes);
}

/// The row of a turn in which a member keeps its part of c. Whoever has taken the member's part of h may read it, until
/// the turn after the next is made.
static inline float *recurra_row_memory(const RecurraRowMember *member, ptrdiff_t rank, ptrdiff_t turn) {
  return (float *)(member->base + rank * member->memberBytes + (2 + (turn & 1)) * member->rowBytes);
}

/// Says how members lie that make a row of so many floats, each in a whole number of `unit` bytes, with `room` more
/// behind it. `base` has room for all.
static inline void recurra_row_lay_out(RecurraRowMember *member, ptrdiff_t count, ptrdiff_t room, ptrdiff_t unit) {
  member->rowBytes = (count + RECURRA_LINE_SLOTS - 1) / RECURRA_LINE_SLOTS * RECURRA_LINE_BYTES;
  member->givenBytes = (count + RECURRA_LINE_FLOATS - 1) / RECURRA_LINE_FLOATS * RECURRA_LINE_BYTES;
  member->memberBytes = (4 * member->rowBytes + 2 * member->givenBytes + room + unit - 1) / unit * unit;
}

/// The lines of a member's part.
static inline float *recurra_row_lines(const RecurraRowMember *member, ptrdiff_t rank, ptrdiff_t turn) {
  char *const given = member->base + rank * member->memberBytes + 4 * member->rowBytes;
  return (float *)(given + (turn & 1) * member->givenBytes);
}

/// The room behind what belongs to a member.
static inline void *recurra_row_room(const RecurraRowMember *member, ptrdiff_t rank) {
  return (char *)recurra_row_lines(member, rank, 0) + 2 * member->givenBytes;
}

/// Makes the lines of a member ones of no turn yet.
static inline void recurra_row_clear(const RecurraRowMember *member, ptrdiff_t rank) {
  memset(recurra_row_lines(member, rank, 0), 0, (size_t)(2 * member->givenBytes));
}

/// Where a line says which turn it is of.
static inline int32_t *recurra_row_turn(float *line) { return (int32_t *)(line + RECURRA_LINE_FLOATS); }

/// Whether a turn is at a place; what was given with it can then be read.
static inline int recurra_row_is_there(const int32_t *place, int32_t turn) {
  return __atomic_load_n(place, __ATOMIC_ACQUIRE) == turn;
}

/// Makes a turn the last, unless there is one: called before the turn before it is given, which all need for it.
static inline void recurra_row_part(const RecurraRowMember *member, int32_t turn) {
  int32_t none = 0;
  __atomic_compare_exchange_n(member->lastTurn, &none, turn, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/// Copies the floats that a line carries, or the `left` ones that are left of a part.
static inline void recurra_row_copy(float *to, const float *from, ptrdiff_t left) {
  if (left >= RECURRA_LINE_FLOATS)
    memcpy(to, from, RECURRA_LINE_FLOATS * sizeof(float));
  else
    for (ptrdiff_t index = 0; index < left; index++) to[index] = from[index];
}

/// Has a line that others will read moved to the cache that all share, from where it comes sooner than from a core.
static inline void recurra_row_push(const float *line) {
#if defined(__x86_64__)
  // CLDEMOTE; nothing on processors that do not know it.
  __asm__ volatile(".byte 0x0f, 0x1c, 0x07" ::"D"(line) : "memory");
#else
  (void)line;
#endif
}

/// Fetches a line that this member is about to write and others have read, so that it need not wait for it then.
static inline void recurra_row_claim(const float *line) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" ::"m"(*line));
#else
  __builtin_prefetch(line, 1);
#endif
}

/// Says of which turn a line is.
static inline void recurra_row_sign(float *line, ptrdiff_t turn) {
  __atomic_store_n(recurra_row_turn(line), (int32_t)turn, __ATOMIC_RELEASE);
}

/// Gives others the part that this member has made.
static inline void recurra_row_give(const RecurraRowMember *member, ptrdiff_t turn) {
  const ptrdiff_t end = member->parts[member->rank + 1];
  const float *const row = recurra_row(member, turn);
  float *const lines = recurra_row_lines(member, member->rank, turn), *line = lines;
  for (ptrdiff_t at = member->parts[member->rank]; at < end; at += RECURRA_LINE_FLOATS, line += RECURRA_LINE_SLOTS) {
    recurra_row_copy(line, row + at, end - at);
    recurra_row_sign(line, turn);
  }
  for (const float *next = lines; next < line; next += RECURRA_LINE_SLOTS) recurra_row_push(next);
  // The others have done with the lines of the turn before, for they are making this one.
  float *const nextLines = recurra_row_lines(member, member->rank, turn + 1);
  for (const float *next = nextLines; next < nextLines + (line - lines); next += RECURRA_LINE_SLOTS)
    recurra_row_claim(next);
}

/// Waits until a line is of a turn.
static inline void recurra_row_await(const RecurraRowMember *member, float *line, ptrdiff_t turn) {
  const int32_t *place = recurra_row_turn(line);
  // As a rule the line comes before a call could be made. Each look takes the line away from its writer.
  int looks = 16;
  while (looks > 0 && !recurra_row_is_there(place, (int32_t)turn)) looks--, recurra_pause();
  if (looks == 0) member->await(member->waiter, place, (int32_t)turn);
}

/// Waits for the parts of the members [begin, end), and puts them into this member's row.
static inline void recurra_row_take(const RecurraRowMember *member, ptrdiff_t begin, ptrdiff_t end, ptrdiff_t turn) {
  for (ptrdiff_t other = begin; other < end; other++) {
    const ptrdiff_t end = member->parts[other + 1];
    float *const row = recurra_row(member, turn), *line = recurra_row_lines(member, other, turn);
    for (ptrdiff_t at = member->parts[other]; at < end; at += RECURRA_LINE_FLOATS, line += RECURRA_LINE_SLOTS) {
      recurra_row_await(member, line, turn);
      recurra_row_copy(row + at, line, end - at);
    }
  }
}

/// Waits for the parts of the members behind this one.
static inline void recurra_row_take_rest(const RecurraRowMember *member, ptrdiff_t turn) {
  recurra_row_take(member, member->rank + 1, member->members, turn);
}

/// Once all of a turn has been taken: puts c together.
static inline void recurra_row_gather_memory(const RecurraRowMember *member, ptrdiff_t turn, float *to) {
  for (ptrdiff_t rank = 0; rank < member->members; rank++) {
    const ptrdiff_t begin = member->parts[rank], count = member->parts[rank + 1] - begin;
    memcpy(to + begin, recurra_row_memory(member, rank, turn) + begin, (size_t)count * sizeof(float));
  }
}

/// Whether the members go on after a turn that has been handed over.
static inline int recurra_row_goes_on(const RecurraRowMember *member, ptrdiff_t turn) {
  return __atomic_load_n(member->lastTurn, __ATOMIC_RELAXED) != (int32_t)turn;
}

/// Gives others the part that this member has made, and waits for those of the members before it. Returns whether they
/// go on together: all get the same answer.
static inline int recurra_row_hand_over(const RecurraRowMember *member, ptrdiff_t turn) {
  recurra_row_give(member, turn);
  recurra_row_take(member, 0, member->rank, turn);
  return recurra_row_goes_on(member, turn);
}

#pragma clang assume_nonnull end

#endif
