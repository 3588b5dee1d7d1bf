#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The table of what each driver can do under each kernel, from the last runs of tests/vm/features.sh
# (`make check-vm`): a cell is what was measured; where kernels differ, it says which.
# usage: tools/vm-report.sh [--write]    --write: put it into README.md, between its markers
set -euo pipefail
cd "$(dirname "$0")/.."
results=${XSKIT_VM_CACHE:-build/vm}/results

compgen -G "$results/*-features@*.tap" >/dev/null || {
	echo "vm-report: nothing was measured yet: run make check-vm" >&2
	exit 1
}

# kernel driver row value, tab-separated; a file that did not end well is no measurement
measured() {
	local file name kernel nic
	# the drivers in the suite's order, the kernels of each from the oldest on
	sed -n 's/^# drivers: //p' tests/vm/features.sh | tr ' ' '\n' | while read -r nic; do
		find "$results" -name "*-features@$nic.tap" | sort -V
	done | while read -r file; do
		name=${file##*/}
		kernel=${name%%-*} nic=${name#*@}
		grep -q '^# exit code 0$' "$file" || echo "vm-report: ${name%.tap} failed: not in the table" >&2
		grep -q '^# exit code 0$' "$file" || continue
		sed -nE "s/^# cell (.*) \| (.*)$/$kernel\t${nic%.tap}\t\1\t\2/p" "$file"
	done
}

table() {
	awk -F '\t' '
	$3 == "driver" { title[$2] = $4; next }
	{
		if (!($3 in row)) { row[$3] = ++rows; rowname[rows] = $3 }
		if (!($2 in nic)) { nic[$2] = ++nics; nicname[nics] = $2 }
		if (!($1 in kernel)) { kernel[$1] = ++kernels; kname[kernels] = $1 }
		cell[$3, $2, $1] = $4
		ran[$2, $1] = 1
	}
	# " (7.2)" for one that did not run on all
	function only(n,    k, out) {
		for (k = 1; k <= kernels; k++)
			if ((n SUBSEP kname[k]) in ran) out = out (out == "" ? "" : ", ") kname[k]
		return split(out, any, ", ") == kernels ? "" : " (" out ")"
	}
	# "yes" if all kernels say so, else "6.1, 6.12: no (EINVAL); 7.2: yes"
	function text(r, n,    k, v, at, said, out, kinds, i, order) {
		split("", said); kinds = 0
		for (k = 1; k <= kernels; k++) {
			at = n SUBSEP kname[k]
			if (!(at in ran)) continue
			at = r SUBSEP at
			v = at in cell ? cell[at] : "not testable"
			sub(/^no: /, "no, ", v)
			if (v in said) {
				said[v] = said[v] ", " kname[k]
				continue
			}
			order[++kinds] = v
			said[v] = kname[k]
		}
		if (kinds == 1) return order[1]
		for (i = 1; i <= kinds; i++) out = out (i > 1 ? "; " : "") said[order[i]] ": " order[i]
		return out
	}
	END {
		printf "| Linux"
		for (k = 1; k <= kernels; k++) printf "%s %s", (k > 1 ? "," : ""), kname[k]
		for (i = 1; i <= nics; i++) printf " | %s%s", title[nicname[i]], only(nicname[i])
		printf " |\n|---"
		for (i = 1; i <= nics; i++) printf "|---"
		print "|"
		for (j = 1; j <= rows; j++) {
			printf "| %s", rowname[j]
			for (i = 1; i <= nics; i++) printf " | %s", text(rowname[j], nicname[i])
			print " |"
		}
	}'
}

# Drivers the suite is for, and this QEMU has not.
missing() {
	local driver
	sed -n 's/^# drivers: //p' tests/vm/features.sh | tr ' ' '\n' | grep -v '^veth$' |
		while read -r driver; do
			qemu-system-x86_64 -device help | grep -q "^name \"$driver\"" || echo "$driver"
		done | paste -sd ' '
}

made=$(measured | table)
missing=$(missing)
[ -z "$missing" ] || made+=$'\n\n'"Not testable with $(qemu-system-x86_64 --version | sed -n 's/.*emulator version \([0-9.]*\).*/QEMU \1/p'): $missing."
if [ "${1:-}" != --write ]; then
	echo "$made"
	exit
fi
grep -q '^<!-- vm-report -->$' README.md || { echo 'vm-report: README.md has no place for it' >&2 && exit 1; }
TABLE=$made perl -0pi -e 's/(<!-- vm-report -->\n).*?(<!-- end -->)/$1$ENV{TABLE}\n$2/s' README.md
