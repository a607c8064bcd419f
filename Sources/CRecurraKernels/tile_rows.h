// The matrix unit has no way of its own for a single row.

INLINE void forwardRow(enum Cell cell, const RecurraForwardStep *step) { (void)cell, (void)step; }
