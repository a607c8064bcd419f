#!/usr/bin/env bash
# Links Recurra from another package as its users do: by version tag from a git URL. A path dependency would hide what
# only they meet: unsafe flags, files that git does not hold, a product without a module. Tests HEAD, not the work tree.
#
# Builds it as users do: for debugging, which is SwiftPM's default, and for release with Swift's own library linked in.
# What is trained has the same bits either way, by every instruction set of this processor.
set -euo pipefail
cd "$(dirname "$0")"

here="$PWD"
root="$(git rev-parse --show-toplevel)"
work="$root/.build/linking"
sources="$work/package/Sources/Linking"
mkdir -p "$sources"
if [ "$(git -C "$work/recurra.git" rev-parse HEAD 2>/dev/null)" != "$(git rev-parse HEAD)" ]; then
  rm -rf "$work/recurra.git"
  git clone --quiet --bare --no-tags "$root" "$work/recurra.git"
  # A new version for each commit, above the earlier ones: SwiftPM remembers the commit of a version that it has seen.
  git -C "$work/recurra.git" tag "0.0.$(date +%s)" HEAD
fi
version="$(git -C "$work/recurra.git" tag --points-at HEAD)"
rm -f "$sources"/*
cp -p "$here"/Sources/*.swift "$sources"
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

# Builds with some options, and says where the program lies. Its own caches: a machine's shared ones would gather a
# version per run.
program() {
  local options=("$@" --package-path "$work/package" --scratch-path "$work/scratch" --cache-path "$work/cache"
    --security-path "$work/security")
  swift build "${options[@]}" --product Linking >&2
  echo "$(swift build "${options[@]}" --show-bin-path)/Linking"
}
debug="$(program -c debug)"
release="$(program -c release --static-swift-stdlib)"

# What reads other systems' files is a product of its own, and so are its libraries.
if ldd "$release" | grep libzip; then
  echo "linking: expected no libzip in a program that links Recurra alone" >&2
  exit 1
fi

"$debug" learn
"$release" learn
sets="generic"
if grep -qw avx2 /proc/cpuinfo; then sets="$sets avx2"; fi
if grep -qw avx512dq /proc/cpuinfo; then sets="$sets avx512"; fi
if [ "$(uname -m)" = aarch64 ]; then sets="$sets neon"; fi
for set in $sets; do
  expected="$(RECURRA_ISA="$set" "$release" bits)"
  got="$(RECURRA_ISA="$set" "$debug" bits)"
  if [ "$expected" != "$got" ]; then
    echo "linking: $set: expected the release build's $expected, got $got in the debug build" >&2
    exit 1
  fi
  echo "linking: $set: the debug build and the release build come to the same $expected"
done

if [ -n "$(git -C "$root" status --porcelain --untracked-files=no)" ]; then
  echo "linking: uncommitted changes were left out" >&2
fi
commit="$(git -C "$root" rev-parse --short HEAD)"
echo "linking: a package that depends on $version ($commit) builds, trains and predicts"
