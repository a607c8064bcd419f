#!/usr/bin/env python3
"""Makes the reference values that the tests compare with: *.safetensors and text/*.txt beside this file.

Made with Python 3.11, keras 3.15.1, tensorflow-cpu 2.21.0, torch 2.13.0 (CPU), jax 0.6.2, numpy 2.4.6,
safetensors 0.8.0; onnx_* in an environment of its own, with onnx 1.23.2, onnxruntime 1.32.0 and onnxscript:

    python3 -m venv ~/.cache/recurra-fixtures && . ~/.cache/recurra-fixtures/bin/activate
    pip install keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6 safetensors==0.8.0
    pip install jax==0.6.2
    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python Tests/Fixtures/make_fixtures.py            # everything, about two minutes
    python Tests/Fixtures/make_fixtures.py keras_cells torch_cells

Every input is drawn by NumPy from a seed made of file and case name, so one case never depends on another. README.md
beside this file states how the tensors are named.
"""
import argparse
import importlib
import os
import subprocess
import sys

PARTS = ("keras_cells", "torch_cells", "torch_lists", "keras_parts", "keras_lesson", "keras_text", "keras_graphs",
         "keras_layers", "keras_masks")
JAX_PARTS = ("keras_training",)
APART = ("onnx_cells", "onnx_lengths", "onnx_graphs")
ALL = PARTS + JAX_PARTS + APART


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help=f"some of {', '.join(ALL)} (default: {', '.join(PARTS + JAX_PARTS)})")
    wanted = parser.parse_args().parts
    unknown = set(wanted) - set(ALL)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}; expected some of {', '.join(ALL)}")
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    os.environ.update(KERAS_BACKEND=backend, CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3",
                      TF_ENABLE_ONEDNN_OPTS="0")
    for part in wanted or PARTS + JAX_PARTS:
        if part in JAX_PARTS and backend != "jax":
            # Keras takes a backend once in a process.
            subprocess.run([sys.executable, __file__, part], env=os.environ | {"KERAS_BACKEND": "jax"}, check=True)
            continue
        importlib.import_module(f"generators.{part}").make()


if __name__ == "__main__":
    main()
