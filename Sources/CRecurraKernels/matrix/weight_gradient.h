// The gradient of the weights, left^T * right, by vectors.
//
// Left may be packed into panels of a few columns, [depth][columns of the panel], so that a tile broadcasts from one
// stream: 5 to 10 % faster, but a pass of its own, which a few hundred columns of right don't pay for. Right is packed
// strip by strip into this thread's own cache, and its column sums fall off on the way.

enum { gradientDepth = RECURRA_GRADIENT_DEPTH };

/// Panels of left: equal shares of at most a tile's rows; inputs and units apart, because they may be multiplied by
/// different columns.
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

INLINE void packLeftPanel(const int width, const float *left, ptrdiff_t stride, ptrdiff_t depth, float *packed) {
  for (ptrdiff_t k = 0; k < depth; k++) memcpy(packed + k * width, left + k * stride, (size_t)width * sizeof(float));
}

static size_t packedLeftSize(ptrdiff_t inputs, ptrdiff_t units, ptrdiff_t depth) {
  return (size_t)((inputs + units) * depth);
}

static void packLeft(
  ptrdiff_t inputs, ptrdiff_t units, ptrdiff_t depth, const float *left, ptrdiff_t leftStride, float *packed
) {
  // A few rows at a time: their lines, which several panels share, stay in L1 whatever the stride.
  enum { side = 8 };
  const ptrdiff_t panels = leftPanels(inputs, units);
  for (ptrdiff_t begin = 0; begin < depth; begin += side) {
    const ptrdiff_t count = smaller(side, depth - begin);
    for (ptrdiff_t panel = 0; panel < panels; panel++) {
      const ptrdiff_t column = leftPanelColumn(panel, inputs, units);
      const ptrdiff_t width = leftPanelColumn(panel + 1, inputs, units) - column;
      const float *from = left + begin * leftStride + column;
      float *to = packed + column * depth + begin * width;
      switch (width) {
      case 6: packLeftPanel(6, from, leftStride, count, to); break;
      case 5: packLeftPanel(5, from, leftStride, count, to); break;
      default: packLeftPanel((int)width, from, leftStride, count, to);
      }
    }
  }
}

/// Where a tile's sums come from and where they go: those that do not begin have been put down at `pending`, those that
/// do not end are put down there.
typedef struct {
  float *pending;
  int begins, ends;
} TileSums;

#define GRADIENT_TILE_PARAMETERS                                                                               \
  const float *left, ptrdiff_t leftStride, const float *right, ptrdiff_t depth, TileSums sums, float *out,      \
    ptrdiff_t outStride, ptrdiff_t lastLanes, int adds
#define GRADIENT_TILE_ARGUMENTS left, leftStride, right, depth, sums, out, outStride, lastLanes, adds

/// Tiles whose sums may wait, and the floats of one.
enum { pendingTiles = 64, pendingFloats = maximumTileRows * STRIP * WIDTH };

typedef void GradientTile(GRADIENT_TILE_PARAMETERS);

/// Some steps of depth.
INLINE void gradientSteps(
  const int count, const int rows, const int vectors, const float *left, ptrdiff_t leftStride, const float *right,
  Vector *sum
) {
  EACH(step, 0, count) {
    Vector line[STRIP];
    EACH(v, 0, vectors) line[v] = load(right + (step * vectors + v) * WIDTH);
    EACH(row, 0, rows) {
      const Vector value = broadcast(left[step * leftStride + row]);
      EACH(v, 0, vectors) sum[row * vectors + v] = fma(value, line[v], sum[row * vectors + v]);
    }
  }
}

/// out[rows][vectors] (+)= the sums of products, `depth` more of them; the last vector has `lastLanes` columns.
INLINE void gradientTileBody(const int rows, const int vectors, GRADIENT_TILE_PARAMETERS) {
  Vector sum[24];
  EACH(index, 0, rows * vectors) sum[index] = sums.begins ? broadcast(0) : load(sums.pending + index * WIDTH);
  const ptrdiff_t width = vectors * WIDTH;
  ptrdiff_t k = 0;
  // Packed left lies at distances that the compiler knows.
  if (leftStride == rows)
    for (; k + groupDepth <= depth; k += groupDepth)
      gradientSteps(groupDepth, rows, vectors, left + k * rows, rows, right + k * width, sum);
  for (; k + groupDepth <= depth; k += groupDepth)
    gradientSteps(groupDepth, rows, vectors, left + k * leftStride, leftStride, right + k * width, sum);
  for (; k < depth; k++) gradientSteps(1, rows, vectors, left + k * leftStride, leftStride, right + k * width, sum);
  if (!sums.ends) {
    EACH(index, 0, rows * vectors) store(sums.pending + index * WIDTH, sum[index]);
    return;
  }
  EACH(row, 0, rows) EACH(v, 0, vectors) {
    float *to = out + row * outStride + v * WIDTH;
    const ptrdiff_t lanes = v == vectors - 1 ? lastLanes : WIDTH;
    storeLanes(to, adds ? sum[row * vectors + v] + loadLanes(to, lanes) : sum[row * vectors + v], lanes);
  }
}

#define GRADIENT_TILE(rows, vectors)                                          \
  static void gradientTile_##rows##_##vectors(GRADIENT_TILE_PARAMETERS) {     \
    gradientTileBody(rows, vectors, GRADIENT_TILE_ARGUMENTS);                 \
  }
#define GRADIENT_TILES(vectors)                                                                     \
  GRADIENT_TILE(1, vectors) GRADIENT_TILE(2, vectors) GRADIENT_TILE(3, vectors)                     \
  GRADIENT_TILE(4, vectors) GRADIENT_TILE(5, vectors) GRADIENT_TILE(6, vectors)
#define GRADIENT_NAMES(vectors)                                                                     \
  { gradientTile_1_##vectors, gradientTile_2_##vectors, gradientTile_3_##vectors,                   \
    gradientTile_4_##vectors, gradientTile_5_##vectors, gradientTile_6_##vectors }

GRADIENT_TILES(1)
GRADIENT_TILES(2)
#if RECURRA_REGISTERS == 32
GRADIENT_TILES(3)
GRADIENT_TILES(4)
static GradientTile *const gradientTiles[STRIP][maximumTileRows] = {
  GRADIENT_NAMES(1), GRADIENT_NAMES(2), GRADIENT_NAMES(3), GRADIENT_NAMES(4)};
#else
static GradientTile *const gradientTiles[STRIP][maximumTileRows] = {GRADIENT_NAMES(1), GRADIENT_NAMES(2)};
#endif

/// Copies a strip of right, [depth][vectors], padded with zeros, and adds its columns to their sums.
INLINE void packRight(
  const int vectors, const float *right, ptrdiff_t stride, ptrdiff_t depth, ptrdiff_t lastLanes, float *strip,
  Vector *sums
) {
  enum { ahead = 12 };
  Vector sum[STRIP];
  EACH(v, 0, vectors) sum[v] = sums[v];
  for (ptrdiff_t k = 0; k < depth; k++) {
    const float *row = right + k * stride;
    EACH(v, 0, vectors) {
      // Rows lie far apart, too far for the core's own prefetcher.
      if (v * WIDTH % lineFloats == 0) __builtin_prefetch(row + ahead * stride + v * WIDTH);
      Vector value = loadLanes(row + v * WIDTH, v == vectors - 1 ? lastLanes : WIDTH);
      store(strip + (k * vectors + v) * WIDTH, value);
      sum[v] += value;
    }
  }
  EACH(v, 0, vectors) sums[v] = sum[v];
}

/// How many rows of a strip of `rows` are gone through at a time: equal shares, for every one costs the sums a rest.
///
/// A strip that all panels go through stays in L1 as long as it has about 24 KiB, beside left's own rows, which lie
/// apart; sums then wait in between, to the same bits. Packed left streams by, and long strips cost less.
INLINE ptrdiff_t stripDepth(const RecurraWeightGradient *job, ptrdiff_t rows) {
  const ptrdiff_t most = 6144 / (STRIP * WIDTH), shares = (rows + most / 2) / most;
  const int isWhole = job->packedLeft || job->panels.end - job->panels.begin > pendingTiles || shares < 2;
  return isWhole ? rows : (rows + shares - 1) / shares;
}

/// Floats of a strip of right.
INLINE ptrdiff_t stripFloats(ptrdiff_t depth) { return smaller(depth, gradientDepth) * STRIP * WIDTH; }

static size_t gradientScratchSize(ptrdiff_t depth, ptrdiff_t panels) {
  return (size_t)(stripFloats(depth) + smaller(panels, pendingTiles) * pendingFloats);
}

static void weightGradient(const RecurraWeightGradient *job) {
  float *const strip = job->scratch, *const pending = strip + stripFloats(job->depth);
  const ptrdiff_t inputs = job->inputs, units = job->units;
  for (ptrdiff_t column = 0; column < job->columns; column += STRIP * WIDTH) {
    const ptrdiff_t width = smaller(STRIP * WIDTH, job->columns - column);
    const ptrdiff_t vectors = (width + WIDTH - 1) / WIDTH, lastLanes = width - (vectors - 1) * WIDTH;
    GradientTile *const *tiles = gradientTiles[vectors - 1];
    Vector sums[STRIP];
    for (ptrdiff_t first = 0, depth; first < job->depth; first += depth) {
      const ptrdiff_t block = first / gradientDepth * gradientDepth, end = smaller(block + gradientDepth, job->depth);
      depth = smaller(stripDepth(job, end - block), end - first);
      const int begins = first == block, ends = first + depth == end;
      const float *right = job->right.base + first * job->right.stride + column;
      const float *left = job->left.base + first * job->left.stride;
      const float *packed = job->packedLeft ? job->packedLeft + first * (inputs + units) : NULL;
      const int adds = job->adds || block > 0;
      if (begins) EACH(v, 0, STRIP) sums[v] = broadcast(0);
      switch (vectors) {
      case 1: packRight(1, right, job->right.stride, depth, lastLanes, strip, sums); break;
      case 2: packRight(2, right, job->right.stride, depth, lastLanes, strip, sums); break;
#if RECURRA_REGISTERS == 32
      case 3: packRight(3, right, job->right.stride, depth, lastLanes, strip, sums); break;
      default: packRight(4, right, job->right.stride, depth, lastLanes, strip, sums); break;
#endif
      }
      if (job->bias && ends)
        for (ptrdiff_t v = 0; v < vectors; v++) {
          const ptrdiff_t lanes = v == vectors - 1 ? lastLanes : WIDTH;
          putLanes(job->bias + column + v * WIDTH, sums[v], lanes, adds);
        }
      for (ptrdiff_t panel = job->panels.begin; panel < job->panels.end; panel++) {
        const ptrdiff_t begin = leftPanelColumn(panel, inputs, units);
        const ptrdiff_t rows = leftPanelColumn(panel + 1, inputs, units) - begin;
        float *out = job->out.base + begin * job->out.stride + column;
        float *const sums = begins && ends ? NULL : pending + (panel - job->panels.begin) * pendingFloats;
        const TileSums own = {sums, begins, ends};
        if (packed)
          tiles[rows - 1](packed + begin * depth, rows, strip, depth, own, out, job->out.stride, lastLanes, adds);
        else
          tiles[rows - 1](left + begin, job->left.stride, strip, depth, own, out, job->out.stride, lastLanes, adds);
      }
    }
  }
}
