#!/usr/bin/env bash
# Builds the server, asks it REQUESTS times (200,000 unless said otherwise) over 64 connections, every tenth time
# something malformed, and checks every answer to the bit and the server's memory.
set -euo pipefail
cd "$(dirname "$0")"

requests="${1:-200000}"
scratch="$(git rev-parse --show-toplevel)/.build/serving"
swift build -c release --scratch-path "$scratch"
binaries="$(swift build -c release --scratch-path "$scratch" --show-bin-path)"
work="$(mktemp -d)"
"$binaries/ServingLoad" make-model "$work/model.safetensors"
port=$((20000 + RANDOM % 20000))
LOG_LEVEL=error "$binaries/Serving" "$work/model.safetensors" "$port" >"$work/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 100); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  sleep 0.1
done
"$binaries/ServingLoad" "$work/model.safetensors" "$port" 64 "$requests" "$server"
