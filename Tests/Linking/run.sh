#!/usr/bin/env bash
# Links Recurra from another package as its users do: by version tag from a git URL. A path dependency would hide what
# only they meet: unsafe flags, files that git does not hold, a product without a module. Tests HEAD, not the work tree.
set -euo pipefail
cd "$(dirname "$0")"

here="$PWD"
root="$(git rev-parse --show-toplevel)"
work="$root/.build/linking"
mkdir -p "$work/package/Sources/Linking"
if [ "$(git -C "$work/recurra.git" rev-parse HEAD 2>/dev/null)" != "$(git rev-parse HEAD)" ]; then
  rm -rf "$work/recurra.git"
  git clone --quiet --bare --no-tags "$root" "$work/recurra.git"
  # A new version for each commit, above the earlier ones: SwiftPM remembers the commit of a version that it has seen.
  git -C "$work/recurra.git" tag "0.0.$(date +%s)" HEAD
fi
version="$(git -C "$work/recurra.git" tag --points-at HEAD)"
cp "$here/Sources/main.swift" "$work/package/Sources/Linking/main.swift"
cat >"$work/package/Package.swift" <<MANIFEST
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Linking",
  dependencies: [.package(url: "file://$work/recurra.git", from: "$version")],
  targets: [.executableTarget(name: "Linking", dependencies: [.product(name: "Recurra", package: "recurra")])],
  swiftLanguageModes: [.v6]
)
MANIFEST

# Its own caches: a machine's shared ones would gather a version per run.
swift run -c release --package-path "$work/package" --scratch-path "$work/scratch" --cache-path "$work/cache" \
  --security-path "$work/security" Linking
if [ -n "$(git -C "$root" status --porcelain --untracked-files=no)" ]; then
  echo "linking: uncommitted changes were left out" >&2
fi
commit="$(git -C "$root" rev-parse --short HEAD)"
echo "linking: a package that depends on $version ($commit) builds, trains and predicts"
