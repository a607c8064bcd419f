// GRU, reset after: h' = (1-z)*n + z*h, with z, r = sigmoid of x*W + h*U + b, n = tanh(nx + r*nh), nx = x*Wn + b_in and
// nh = h*Un + b_rec; slots z r nx nh, of which nx and nh are those of inputs and states apart. Sums lie nx z r nh.

enum { gruSlots = 4, gruPanelUnits = 16 };

static const CellTraits gruTraits = {
  .columns = {.groups = 3, .slots = gruSlots, .panelUnits = gruPanelUnits},
  .keepsGates = 1,
  .readsPreviousState = 1,
  .pairsPanels = 1};

/// First pass: the activations that wait for nothing. Leaves the candidate's pre-activation and z in the sums.
///
/// Whole vectors reach, of a panel's last units, only into slots that are done with, or are written next, but for its
/// candidates: behind them z of the first units is kept, because there nh is 0, filled up with zeros.
INLINE void gruActivate(const RecurraForwardStep *step, const Units *at) {
  const Vector input = sumsAt(at, 0), recurrent = sumsAt(at, 3);
  Vector zr[2] = {sumsAt(at, 1), sumsAt(at, 2)};
  sigmoids(2, zr);
  store(at->sums, fma(zr[1], recurrent, input));
  store(at->sums + keptStride(gruTraits.columns, at->count), zr[0]);
  if (!step->gates.base) return;
  keepGate(step, at, 0, zr[0]);
  keepGate(step, at, 1, zr[1]);
  keepGate(step, at, 3, recurrent);
}

/// Second pass: the new h of some vectors.
INLINE void gruEmit(const RecurraForwardStep *step, const int vectors, const Units *at) {
  Vector n[bundle];
  EACH(v, 0, vectors) n[v] = sumsAt(&at[v], 0);
  tanhs(vectors, n);
  EACH(v, 0, vectors) {
    if (step->gates.base) keepGate(step, &at[v], 2, n[v]);
    const Vector z = load(at[v].sums + keptStride(gruTraits.columns, at[v].count));
    putState(step, &at[v], fma(z, loadUnits(step->h, &at[v]) - n[v], n[v]));
  }
}

/// Takes dh of some vectors through the gates; leaves there what reaches the h before without a product.
INLINE void gruDerive(const BackwardUnits *first, const int vectors, Vector *dh) {
  EACH(v, 0, vectors) {
    const BackwardUnits at = vectorOf(first, v, vectors);
    const Vector z = loadGate(&at, 0), r = loadGate(&at, 1), n = loadGate(&at, 2), recurrent = loadGate(&at, 3);
    const Vector previous = loadBack(at.step->hPrevious, &at);
    const Vector dn = fma(-z, dh[v], dh[v]) * fma(-n, n, broadcast(1));
    putGradient(&at, 0, dh[v] * (previous - n) * fma(-z, z, z));
    putGradient(&at, 1, dn * recurrent * fma(-r, r, r));
    putGradient(&at, 2, dn);
    putGradient(&at, 3, dn * r);
    dh[v] = dh[v] * z;
  }
}
