# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced after lib.sh by the tests of doctor: a cause is planted, doctor must name it and nothing
# else, its own fix is run, and doctor must find nothing any more.
#
#   examine [ARGS]        what doctor says of va: now.json, and in `now` a line a trouble
#   healthy [ARGS]        the same, to compare with: what is wrong anyway is wrong anyway
#   named WHAT TROUBLES   ok if doctor names these, "CHECK STATUS, ...", beyond what was there
#   mend CHECK            run that check's fix in namespace a
#   cured WHAT            ok if doctor names nothing beyond what was there

mkdir "$T/bin"
ln -s "$XSKIT" "$T/bin/xskit" # fixes say `xskit ...`
export PATH=$T/bin:$PATH

args=()
look() { in_ns a "$XSKIT" doctor va -j "${args[@]}" >"$1.json" 2>"$1.err"; }
troubles() {
	jq -r 'select(.status == "warn" or .status == "fail") | "\(.name) \(.status)"' "$1" | sort | ours
}
# The machine's own settings and pages are looked at in a planted tree only: others use them.
ours() {
	if [ "${XSKIT_SYSROOT:-}" ]; then cat; else grep -vE '^(hugepages|clock|governor|idle-states|bpf-stats|jit-harden|bpf-jit) '; fi
}
examine() {
	args=("$@")
	look now
	troubles now.json >now
}
healthy() {
	examine "$@"
	cp now base
}
beyond() { comm -13 base now | paste -sd, | sed 's/,/, /g'; }
named() {
	if [ "$(beyond)" = "$2" ]; then
		pass "$1: named, and nothing else"
	else
		fail "$1: named, and nothing else" "want: $2" "got: $(beyond)" \
			"$(jq -r 'select(.status != "ok") | "\(.name): \(.status): \(.found)"' now.json)" "$(cat now.err)"
	fi
}
fix_of() { jq -r "select(.name == \"$1\").fix" now.json; }
found_of() { jq -r "select(.name == \"$1\").found" now.json; }
mend() {
	local fix
	fix=$(fix_of "$1")
	check "the fix runs: $fix" in_ns a sh -ec "$fix"
}
cured() {
	examine "${args[@]}"
	if [ -z "$(beyond)" ]; then
		pass "$1: cured"
	else
		fail "$1: cured" "$(beyond)" "$(jq -r 'select(.status != "ok") | "\(.name): \(.status): \(.found)"' now.json)"
	fi
}
# ill WHAT CHECK STATUS: named, mended, cured
ill() {
	examine "${args[@]}"
	named "$1" "$2 $3"
	mend "$2"
	cured "$1"
}
