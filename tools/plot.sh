#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Plots and a Markdown report from the files that bench.sh and experiments.sh leave: report.md, and
# beside it latency.png (from *.hgrm), ring.png, false-sharing.png and core-to-core.png, each only
# if its figures are there.
# usage: tools/plot.sh DIR
set -euo pipefail
dir=${1:?usage: tools/plot.sh DIR}
cd "$dir"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# plot NAME COMMANDS...: one PNG; gnuplot's own words only if it fails
plot() {
	local name=$1
	shift
	printf '%s\n' "set terminal pngcairo size 1000,600 noenhanced" "set output '$name.png'" "set grid" \
		"$@" >"$scratch/$name.gp"
	gnuplot "$scratch/$name.gp" 2>"$scratch/log" || {
		cat "$scratch/log" >&2
		return 1
	}
}

# results FILE FILTER: of the rows of a file, tab-separated
results() {
	jq -r 'select(.type == "result") | '"$2"' | @tsv' "$1"
}

# Value against 1 / (1 - percentile), as HdrHistogram's own plots have it.
plot_latency() {
	local file lines=()
	for file in *.hgrm; do
		awk '$4 ~ /^[0-9.]+$/ { print $4, $1 }' "$file" >"$scratch/$file"
		lines+=("'$scratch/$file' with lines lw 2 title '${file%.hgrm}'")
	done
	plot latency "set logscale x" "set xlabel 'percentile'" "set ylabel 'round trip, ns'" \
		"set xtics ('0' 1, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000, '99.999' 100000)" \
		"set key left top" "plot $(
			IFS=,
			echo "${lines[*]}"
		)"
}

# Bars: one producer, one consumer, threads; the cells side by side.
plot_ring() {
	results ring.jsonl 'select(.metric == "throughput" and .scope == "threads" and .producers == 1
		and .consumers == 1 and .slots == 4096) | [.algorithm, .element_bytes, .burst, .ns]' |
		awk -F'\t' '{ cell = $2 "B burst " $3; if (!(cell in seen)) { seen[cell] = ++cells; name[cells] = cell }
			if (!($1 in row)) { row[$1] = ++rows; algorithm[rows] = $1 }
			ns[row[$1], seen[cell]] = $4 }
			END { printf "algorithm"; for (c = 1; c <= cells; c++) printf "\t%s", name[c]; print ""
			for (r = 1; r <= rows; r++) { printf "%s", algorithm[r]
				for (c = 1; c <= cells; c++) printf "\t%s", (r, c) in ns ? ns[r, c] : "?"; print "" } }' \
			>"$scratch/ring"
	plot ring "set datafile separator '\t'" "set datafile missing '?'" "set style data histograms" \
		"set style fill solid" "set logscale y" "set ylabel 'ns an element (4096 slots, 1p1c, threads)'" \
		"set xtics rotate by -40" "set key top left" \
		"plot for [i=2:$(awk -F'\t' 'NR == 1 { print NF }' "$scratch/ring")] '$scratch/ring' using i:xtic(1) title columnheader(i)"
}

plot_false_sharing() {
	results false-sharing.jsonl '[.op, .layout, .ratio_to_pad64]' |
		awk -F'\t' '{ if (!($2 in col)) { col[$2] = ++cols; layout[cols] = $2 }
			if (!($1 in row)) { row[$1] = ++rows; op[rows] = $1 } v[row[$1], col[$2]] = $3 }
			END { printf "op"; for (c = 1; c <= cols; c++) printf "\t%s", layout[c]; print ""
			for (r = 1; r <= rows; r++) { printf "%s", op[r]
				for (c = 1; c <= cols; c++) printf "\t%s", (r, c) in v ? v[r, c] : "?"; print "" } }' \
			>"$scratch/false-sharing"
	plot false-sharing "set datafile separator '\t'" "set datafile missing '?'" \
		"set style data histograms" "set style fill solid" "set logscale y" \
		"set ylabel 'time an operation, padded to 64 bytes = 1'" "set key top left" \
		"plot for [i=2:$(awk -F'\t' 'NR == 1 { print NF }' "$scratch/false-sharing")] '$scratch/false-sharing' using i:xtic(1) title columnheader(i)"
}

# The whole square, with nothing where a CPU meets itself.
plot_core_to_core() {
	results core-to-core.jsonl '[.cpu_a, .cpu_b, .ns]' |
		awk '{ ns[$1, $2] = ns[$2, $1] = $3; cpu[$1] = cpu[$2] = 1 }
			END { for (a in cpu) for (b in cpu) print a, b, (a, b) in ns ? ns[a, b] : "NaN" }' |
		sort -n -k 1,1 -k 2,2 >"$scratch/core-to-core"
	plot core-to-core "set xlabel 'CPU'" "set ylabel 'CPU'" "set cblabel 'round trip, ns'" \
		"set xtics 1" "set ytics 1" "set cbrange [0:*]" "set palette defined (0 'white', 1 'dark-red')" \
		"plot '$scratch/core-to-core' using 1:2:3 with image notitle, '' using 1:2:(\$3 > 0 ? sprintf('%.0f', \$3) : '') with labels notitle"
}

# --- the report ---

# Rows of a file as a Markdown table: all fields that are plain values.
table() {
	jq -rs '[.[] | select(.type == "result")] as $rows |
		([$rows[] | to_entries[] | select(.value | type != "object" and type != "array") | .key]
		 | reduce .[] as $k ([]; if index($k) then . else . + [$k] end)
		 | map(select(. != "type" and . != "experiment"))) as $keys |
		if ($rows | length) == 0 then empty else
		"| " + ($keys | join(" | ")) + " |", "|" + ($keys | map("---|") | join("")),
		($rows[] | . as $row | "| " + ($keys | map($row[.] |
			if . == null then "" elif type == "number" then (. * 1000 | round / 1000 | tostring)
			else tostring end) | join(" | ")) + " |") end' "$1"
}

section() {
	local name=$1
	[ -s "$name.jsonl" ] || return 0
	printf '\n## %s\n\n' "$name"
	[ ! -e "$name.png" ] || printf '![%s](%s.png)\n\n' "$name" "$name"
	jq -r 'select(.type == "start") | "`xskit \(.command)` \(.version), Linux \(.kernel), \(.cpu_model)\n"' "$name.jsonl"
	table "$name.jsonl"
	jq -r 'select(.type == "note") | "\n" + .note' "$name.jsonl"
}

report() {
	printf '# What this machine measured\n'
	if [ -s bench.txt ]; then
		printf '\n## packets\n\n```\n'
		cat bench.txt
		printf '```\n'
	fi
	[ ! -e latency.png ] || printf '\n## round trips\n\n![latency](latency.png)\n'
	for name in ring false-sharing core-to-core numa ipc udp; do section "$name"; done
}

rm -f latency.png ring.png false-sharing.png core-to-core.png
[ -z "$(find . -maxdepth 1 -name '*.hgrm' -size +0 -print -quit)" ] || plot_latency
[ ! -s ring.jsonl ] || plot_ring
[ ! -s false-sharing.jsonl ] || plot_false_sharing
[ ! -s core-to-core.jsonl ] || plot_core_to_core
report >report.md
echo "$dir/report.md"
