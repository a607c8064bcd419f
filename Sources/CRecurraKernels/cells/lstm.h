// LSTM: c' = f*c + i*c~, h' = o*tanh(c'), with i, f, o = sigmoid and c~ = tanh of x*W + h*U + b; slots i f c~ o.

enum { lstmSlots = 4, lstmPanelUnits = 16 };

static const CellTraits lstmTraits = {
  .columns = {.groups = 4, .slots = lstmSlots, .panelUnits = lstmPanelUnits},
  .hasMemory = 1,
  .keepsGates = 1,
  .pairsPanels = WIDTH >= 16};

/// Positions of the sums that hold o between the passes, as a fraction: one division serves for two factors.
enum { oBottom = 2, oTop = 3 };

/// First pass: the activations that wait for nothing. Leaves c and o in the sums.
INLINE void lstmActivate(const RecurraForwardStep *step, const Units *at) {
  const ptrdiff_t next = keptStride(lstmTraits.columns, at->count), kept = next == WIDTH ? WIDTH : at->lanes;
  const Vector ifoc[4] = {sumsAt(at, 0), sumsAt(at, 1), sumsAt(at, 3), sumsAt(at, 2)};
  Vector top[4], bottom[4];
  fractions(3, 4, leastGate, ifoc, top, bottom);
  const Vector f = top[1] / bottom[1], ic = top[0] * top[3] / (bottom[0] * bottom[3]);
  const Vector c = fma(f, loadUnits(step->c, at), ic);
  storeUnits(step->cNext, at, c);
  storeLanes(at->sums, c, kept);
  storeLanes(at->sums + oTop * next, top[2], kept);
  storeLanes(at->sums + oBottom * next, bottom[2], kept);
  if (!step->gates.base) return;
  // Each by itself, so that a gate that is wide open is 1.
  keepGate(step, at, 0, top[0] / bottom[0]);
  keepGate(step, at, 1, f);
  keepGate(step, at, 2, top[3] / bottom[3]);
  keepGate(step, at, 3, top[2] / bottom[2]);
}

/// Second pass: the new h of some vectors.
INLINE void lstmEmit(const RecurraForwardStep *step, const int vectors, const Units *at) {
  Vector h[bundle], top[bundle], bottom[bundle];
  EACH(v, 0, vectors) h[v] = sumsAt(&at[v], 0);
  fractions(0, vectors, 0, h, top, bottom);
  EACH(v, 0, vectors) {
    const ptrdiff_t next = keptStride(lstmTraits.columns, at[v].count);
    const Vector oTops = load(at[v].sums + oTop * next), oBottoms = load(at[v].sums + oBottom * next);
    putState(step, &at[v], top[v] * oTops / (bottom[v] * oBottoms));
  }
}

/// Takes dh and dc of a vector through the gates.
INLINE void lstmDeriveVector(const BackwardUnits *at, Vector dh, Vector tanhC) {
  const RecurraBackwardStep *step = at->step;
  const Vector i = loadGate(at, 0), f = loadGate(at, 1), candidate = loadGate(at, 2), o = loadGate(at, 3);
  const Vector later = loadBack(step->dc, at);
  const Vector dc = fma(dh * o, fma(-tanhC, tanhC, broadcast(1)), later);
  const Vector previous = loadBack(step->cPrevious, at);
  putGradient(at, 0, dc * candidate * fma(-i, i, i));
  putGradient(at, 1, dc * previous * fma(-f, f, f));
  putGradient(at, 2, dc * i * fma(-candidate, candidate, broadcast(1)));
  putGradient(at, 3, dh * tanhC * fma(-o, o, o));
  storeLanes(elementAt(step->dc, at->row, at->unit), dc * f, at->lanes);
}

/// Takes dh of a vector, and tanh(c), through the gates of a cell with a memory.
typedef void DeriveVector(const BackwardUnits *at, Vector dh, Vector tanhC);

/// Takes dh of some vectors through the gates of such a cell; no h before is reached without a product.
INLINE void deriveWithMemory(DeriveVector *derive, const BackwardUnits *first, const int vectors, Vector *dh) {
  Vector tanhC[bundle];
  EACH(v, 0, vectors) {
    const BackwardUnits at = vectorOf(first, v, vectors);
    tanhC[v] = loadBack(at.step->c, &at);
  }
  tanhs(vectors, tanhC);
  EACH(v, 0, vectors) {
    const BackwardUnits at = vectorOf(first, v, vectors);
    derive(&at, dh[v], tanhC[v]);
    dh[v] = broadcast(0);
  }
}

INLINE void lstmDerive(const BackwardUnits *first, const int vectors, Vector *dh) {
  deriveWithMemory(lstmDeriveVector, first, vectors, dh);
}
