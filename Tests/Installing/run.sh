#!/usr/bin/env bash
# Installs the tool into an empty folder, looks at what it can do there, and takes it away again. Usage:
# Tests/Installing/run.sh [VARIABLE=VALUE ...], for make: STATIC=1 tries the tool that needs no library of Swift's.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { echo "installing: $1" >&2; exit 1; }

root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
installing() { make --no-print-directory "$@" DESTDIR="$root" PREFIX=/prefix > "$root/said" 2>&1 || return 1; }
installing install "$@" || fail "expected make install to succeed, got $(cat "$root/said")"
place="$root/prefix"
files="bin/recur
share/bash-completion/completions/recur
share/doc/recurra/LICENSE
share/doc/recurra/LICENSE-cmudict.txt
share/doc/recurra/VOWELS.md
share/fish/vendor_completions.d/recur.fish
share/man/man1/recur.1
share/zsh/site-functions/_recur"
[ "$(cd "$place" && find . -type f | sed 's,^\./,,' | sort)" = "$files" ] || fail "expected $files"
[ "$(stat -c %a "$place/bin/recur" "$place/share/man/man1/recur.1" | xargs)" = "755 644" ] ||
  fail "expected modes for all"

# From another folder, through a link, and with nothing of the builder's environment.
mkdir -p "$root/home" "$root/elsewhere"
ln -s "$place/bin/recur" "$root/elsewhere/link"
recur() { (cd "$root/elsewhere" && env -i HOME="$root/home" PATH=/usr/bin:/bin "$place/bin/recur" "$@"); }
grep -qx '[0-9.]*' <<< "$(recur --version)" || fail "expected a version, got $(recur --version)"
[ "$(cd "$root/elsewhere" && ./link --version)" = "$(recur --version)" ] ||
  fail "expected the tool to run through a link"
case " $* " in
  *" STATIC=1 "*) ! ldd "$place/bin/recur" | grep libswift || fail "expected no library of Swift's" ;;
esac
recur summary '[{"class_name": "LSTM", "config": {"units": 3}}]' > "$root/said"
grep -q 'lstm (LSTM)' "$root/said" || fail "expected a summary, got $(cat "$root/said")"

# What one folder has trained, every other one is answered by.
recur demo --cells rnn --epochs 1 cat > "$root/said" 2>&1 || fail "expected a demonstration, got $(cat "$root/said")"
[ -f "$root/home/.cache/recurra/syllables.safetensors" ] || fail "expected a saved model in the cache"
(cd / && HOME="$root/home" XDG_CACHE_HOME="" "$place/bin/recur" demo banana > "$root/said" 2> "$root/complaint")
grep -q '^banana .* 3$' "$root/said" || fail "expected an answer, got $(cat "$root/said")"
grep -q "asking the SimpleRNN.*in $root/home/.cache/recurra" "$root/complaint" || fail "expected the model's place"
! grep -q Epoch "$root/complaint" || fail "expected an answer of the saved model, got training"

# A model is a part of the tool.
recur demo gates 小猫爱吃鱼 > "$root/said" 2>&1 || fail "expected gates, got $(cat "$root/said")"
grep -q '^鱼 ' "$root/said" || fail "expected a line for each symbol, got $(cat "$root/said")"
grep -q 'CC BY 4.0' "$place/share/doc/recurra/VOWELS.md" || fail "expected the licence of the utterances"

completion="$place/share/bash-completion/completions/recur"
bash -c "source '$completion' && COMP_WORDS=(recur pl) COMP_CWORD=1 COMP_LINE='recur pl' COMP_POINT=8 && _recur \
  && echo \${COMPREPLY[*]}" > "$root/said" || fail "expected a completion that bash takes"
grep -qw plot "$root/said" || fail "expected plot to be completed, got $(cat "$root/said")"
head -1 "$place/share/zsh/site-functions/_recur" | grep -q '^#compdef recur' || fail "expected a completion for zsh"
grep -q -- "complete -c 'recur'" "$place/share/fish/vendor_completions.d/recur.fish" || fail "expected one for fish"
grep -q '^\.SH NAME' "$place/share/man/man1/recur.1" || fail "expected a manual page"
grep -q -- '\\-\\-validation\\-split' "$place/share/man/man1/recur.1" || fail "expected every option in the manual page"

# Again, over what is there; as under sudo, whose PATH need not have swift.
PATH=/usr/bin:/bin installing install "$@" || fail "expected what is built to be enough, got $(cat "$root/said")"
! make --no-print-directory install "$@" PREFIX=some/where > /dev/null 2>&1 || fail "expected a relative PREFIX refused"

touch "$place/bin/other"
installing uninstall
[ "$(find "$place" -type f)" = "$place/bin/other" ] || fail "expected nothing of the tool left behind"
echo "installing: installed, asked and removed"
