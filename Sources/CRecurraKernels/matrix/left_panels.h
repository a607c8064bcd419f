// What every set's gradient of the weights has in common: the panels of left, and how sums are put down.

enum { gradientDepth = RECURRA_GRADIENT_DEPTH };

/// Panels of left: equal shares of at most a tile's rows; inputs and units apart, as the GRU multiplies them.
INLINE ptrdiff_t leftPanelCount(ptrdiff_t columns) { return (columns + leftPanelWidth - 1) / leftPanelWidth; }

static ptrdiff_t leftPanels(ptrdiff_t inputs, ptrdiff_t units) {
  return leftPanelCount(inputs) + leftPanelCount(units);
}

/// The first column of a left panel; that of the panel behind the last is inputs + units.
INLINE ptrdiff_t leftPanelColumn(ptrdiff_t panel, ptrdiff_t inputs, ptrdiff_t units) {
  const ptrdiff_t ofInputs = leftPanelCount(inputs), ofUnits = leftPanelCount(units);
  if (panel < ofInputs) return inputs * panel / ofInputs;
  return inputs + (ofUnits ? units * (panel - ofInputs) / ofUnits : 0);
}

/// Puts or adds a vector of sums.
INLINE void putLanes(float *to, Vector sum, ptrdiff_t lanes, int adds) {
  storeLanes(to, adds ? sum + loadLanes(to, lanes) : sum, lanes);
}
