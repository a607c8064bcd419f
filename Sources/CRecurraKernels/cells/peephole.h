// LSTM with peepholes: i and f look at c, o at c', through a number for each unit; else as the LSTM.

enum { peepholeSlots = lstmSlots, peepholePanelUnits = lstmPanelUnits };

#define peepholeTraits lstmTraits

/// Loads the units' peepholes of a gate: input 0, forget 1, output 2.
INLINE Vector peepholes(const float *all, ptrdiff_t units, ptrdiff_t gate, ptrdiff_t unit, ptrdiff_t lanes) {
  return loadLanes(all + gate * units + unit, lanes);
}

/// First pass: i, f and the memory, then o, which waits for it. Leaves c and o in the sums.
INLINE void peepholeActivate(const RecurraForwardStep *step, const Units *at) {
  const ptrdiff_t next = keptStride(lstmTraits.columns, at->count), kept = next == WIDTH ? WIDTH : at->lanes;
#define PEEPHOLES(gate) peepholes(step->parameters, step->units, gate, at->unit, at->lanes)
  const Vector before = loadUnits(step->c, at), ofOutput = PEEPHOLES(2);
  const Vector ifc[3] = {
    fma(PEEPHOLES(0), before, sumsAt(at, 0)), fma(PEEPHOLES(1), before, sumsAt(at, 1)), sumsAt(at, 2)};
  const Vector sumOfO = sumsAt(at, 3);
#undef PEEPHOLES
  Vector top[3], bottom[3];
  fractions(2, 3, leastGate, ifc, top, bottom);
  const Vector f = top[1] / bottom[1];
  const Vector c = fma(f, before, top[0] * top[2] / (bottom[0] * bottom[2]));
  storeUnits(step->cNext, at, c);
  const Vector o[1] = {fma(ofOutput, c, sumOfO)};
  Vector topOfO[1], bottomOfO[1];
  fractions(1, 1, leastGate, o, topOfO, bottomOfO);
  storeLanes(at->sums, c, kept);
  storeLanes(at->sums + oTop * next, topOfO[0], kept);
  storeLanes(at->sums + oBottom * next, bottomOfO[0], kept);
  if (!step->gates.base) return;
  keepGate(step, at, 0, top[0] / bottom[0]);
  keepGate(step, at, 1, f);
  keepGate(step, at, 2, top[2] / bottom[2]);
  keepGate(step, at, 3, topOfO[0] / bottomOfO[0]);
}

/// Second pass: the new h of some vectors.
INLINE void peepholeEmit(const RecurraForwardStep *step, const int vectors, const Units *at) {
  lstmEmit(step, vectors, at);
}

/// Loads the peepholes of a gate on the way back.
INLINE Vector peepholesBack(const BackwardUnits *at, ptrdiff_t gate) {
  return peepholes(at->step->parameters, at->step->units, gate, at->unit, at->lanes);
}

/// Puts dc of the step before: what was kept, and what the gates that looked at c make of it.
INLINE void peepholePutMemory(const BackwardUnits *at, Vector kept, Vector ofI, Vector ofF) {
  const Vector before = fma(ofF, peepholesBack(at, 1), fma(ofI, peepholesBack(at, 0), kept));
  storeLanes(elementAt(at->step->dc, at->row, at->unit), before, at->lanes);
}

/// Takes dh through o, and returns what has arrived at c' by then.
INLINE Vector peepholeDeriveOutput(const BackwardUnits *at, Vector dh, Vector tanhC) {
  const Vector o = loadGate(at, 3), ofO = dh * tanhC * fma(-o, o, o);
  putGradient(at, 3, ofO);
  const Vector later = fma(ofO, peepholesBack(at, 2), loadBack(at->step->dc, at));
  return fma(dh * o, fma(-tanhC, tanhC, broadcast(1)), later);
}

/// Takes dh and dc of a vector through the gates.
INLINE void peepholeDeriveVector(const BackwardUnits *at, Vector dh, Vector tanhC) {
  const Vector dc = peepholeDeriveOutput(at, dh, tanhC);
  const Vector i = loadGate(at, 0), f = loadGate(at, 1), candidate = loadGate(at, 2);
  const Vector ofI = dc * candidate * fma(-i, i, i), ofF = dc * loadBack(at->step->cPrevious, at) * fma(-f, f, f);
  putGradient(at, 0, ofI);
  putGradient(at, 1, ofF);
  putGradient(at, 2, dc * i * fma(-candidate, candidate, broadcast(1)));
  peepholePutMemory(at, dc * f, ofI, ofF);
}

INLINE void peepholeDerive(const BackwardUnits *first, const int vectors, Vector *dh) {
  deriveWithMemory(peepholeDeriveVector, first, vectors, dh);
}
