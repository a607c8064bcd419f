#!/usr/bin/env bash
# Fuzzes the reader of each format with libFuzzer for SECONDS_EACH (60), beginning with the fixtures of that format. A
# finding is left in .build/fuzzing/FORMAT, and ends the run.
set -euo pipefail
cd "$(dirname "$0")"

seconds="${SECONDS_EACH:-60}"
root="$(git rev-parse --show-toplevel)"
work="$root/.build/fuzzing"
options=(-c release --package-path . --scratch-path "$work/build" -Xswiftc -sanitize=fuzzer -Xswiftc -parse-as-library
  -Xcc -fno-sanitize=all -Xlinker -fuse-ld=gold)
swift build "${options[@]}" --product FuzzModelFile
program="$(swift build "${options[@]}" --show-bin-path)/FuzzModelFile"

fixtures="$root/Tests/Fixtures"
for format in safetensors keras h5 npz pt onnx json; do
  corpus="$work/$format"
  mkdir -p "$corpus"
  find "$fixtures" -name "*.$format" -size -100k -exec cp -n {} "$corpus" \;
  echo "fuzzing: $format, $(find "$corpus" -type f | wc -l) files to begin with"
  limits=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=100000 -print_final_stats=1)
  (cd "$corpus" && "$program" "${limits[@]}" "$corpus" 2>"$work/$format.log") || {
    tail -20 "$work/$format.log" >&2
    exit 1
  }
  grep -E "number_of_executed_units|peak_rss_mb" "$work/$format.log"
done
