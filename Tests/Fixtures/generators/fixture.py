"""A fixture file under construction: seeded inputs, reference values held to two precisions, one safetensors file."""
import json
import pathlib
import zlib

import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent
AGREEMENT = 1e-5


def seeded(*words):
    """Returns a generator that depends on the words only, so that adding a case never changes another one."""
    return np.random.default_rng(zlib.crc32("/".join(words).encode()))


def normal(random, *shape, scale=1.0):
    return (random.standard_normal(shape) * scale).astype(np.float32)


class Fixture:
    def __init__(self, name, versions):
        self.name = name
        self.tensors = {}
        self.cases = {}
        self.single_only = []
        self.versions = versions

    def add(self, case, tensors, **configuration):
        """Stores tensors as they are: float64 is rounded to float32, integers become int32."""
        for what, value in tensors.items():
            value = np.asarray(value)
            kind = np.int32 if value.dtype.kind in "iub" else np.float32
            self.tensors[f"{case}.{what}"] = np.array(value, kind, order="C")
        if configuration:
            self.cases[case] = configuration

    def add_agreed(self, case, single, double):
        """Stores the float64 values, rounded, wherever the float32 run confirms them, else the float32 values."""
        assert single.keys() == double.keys(), (case, single.keys() ^ double.keys())
        for what, wide in double.items():
            wide, narrow = np.asarray(wide), np.asarray(single[what])
            assert narrow.dtype == np.float32 and wide.dtype == np.float64, (case, what, narrow.dtype, wide.dtype)
            slice_axes = tuple(range(1, wide.ndim)) if wide.ndim > 1 else None
            largest = np.abs(wide).max(axis=slice_axes, keepdims=True)
            if np.all(np.abs(wide - narrow) <= AGREEMENT * largest + np.finfo(np.float32).tiny):
                self.add(case, {what: wide})
            else:
                self.add(case, {what: narrow})
                self.single_only.append(f"{case}.{what}")

    def save(self):
        about = dict(self.versions, cases=self.cases, float32_only=self.single_only)
        path = FOLDER / f"{self.name}.safetensors"
        # One metadata key: the writer keeps several in no fixed order, and equal runs should give equal bytes.
        save_file(dict(sorted(self.tensors.items())), path, metadata={"fixture": json.dumps(about, sort_keys=True)})
        path.chmod(0o644)
        print(f"{path.name}: {len(self.tensors)} tensors, {path.stat().st_size:,} bytes"
              + (f", float32 only: {', '.join(self.single_only)}" if self.single_only else ""), flush=True)
