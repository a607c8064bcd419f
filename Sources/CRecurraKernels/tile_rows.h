// The matrix unit has no way of its own for a single row, nor for its inputs ahead of it.

enum { hasLead = 0 };

typedef struct {
  ptrdiff_t steps;
} Lead;

static size_t leadSize(ptrdiff_t panels) {
  (void)panels;
  return 0;
}

INLINE Lead beginLead(enum Cell cell, const RecurraForwardStep *step, ptrdiff_t steps) {
  (void)cell, (void)step;
  return (Lead){steps};
}

INLINE void advanceLead(const RecurraForwardStep *step, Lead *lead) { (void)step, (void)lead; }

INLINE void forwardRow(enum Cell cell, const RecurraForwardStep *step, const Lead *lead) {
  (void)cell, (void)step, (void)lead;
}
