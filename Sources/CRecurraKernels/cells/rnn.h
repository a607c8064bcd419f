// SimpleRNN: h' = tanh(x*W + h*U + b).

enum { rnnSlots = 1, rnnPanelUnits = 64 };

static const CellTraits rnnTraits = {
  .columns = {.groups = 1, .slots = rnnSlots, .panelUnits = rnnPanelUnits}, .pairsPanels = 1};

/// First pass: nothing is left to be done but the second.
INLINE void rnnActivate(const RecurraForwardStep *step, const Units *at) { (void)step, (void)at; }

/// Second pass: the new h of some vectors.
INLINE void rnnEmit(const RecurraForwardStep *step, const int vectors, const Units *at) {
  Vector h[bundle];
  EACH(v, 0, vectors) h[v] = sumsAt(&at[v], 0);
  tanhs(vectors, h);
  EACH(v, 0, vectors) putState(step, &at[v], h[v]);
}

/// Takes dh of some vectors through the gates; leaves there what reaches the h before without a product.
INLINE void rnnDerive(const BackwardUnits *first, const int vectors, Vector *dh) {
  EACH(v, 0, vectors) {
    const BackwardUnits at = vectorOf(first, v, vectors);
    const Vector h = loadBack(at.step->h, &at);
    putGradient(&at, 0, dh[v] * fma(-h, h, broadcast(1)));
    dh[v] = broadcast(0);
  }
}
