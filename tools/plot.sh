#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Plots and a Markdown report from the files that bench.sh and experiments.sh leave: report.md, and
# beside it latency.png (from *.hgrm), ring.png, false-sharing.png, core-to-core.png, ipc-latency.png
# and udp-latency.png, each only if its figures are there.
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

# percentiles NAME LABEL FILE...: lines of "1/(1-percentile) value", each titled by its file's name;
# value against 1 / (1 - percentile), as HdrHistogram's own plots have it
percentiles() {
	local name=$1 label=$2 file lines=() # colours come again after eight: points and dashes differ
	shift 2
	for file in "$@"; do
		lines+=("'$file' with linespoints lw 2 dt $((${#lines[@]} / 8 + 1)) pt $((${#lines[@]} + 1)) title '${file##*/}'")
	done
	plot "$name" "set logscale x" "set logscale y" "set xlabel 'percentile'" "set ylabel '$label'" \
		"set xtics ('0' 1, '50' 2, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000, '99.999' 100000)" \
		"set key outside right top" "plot $(
			IFS=,
			echo "${lines[*]}"
		)"
}

# series DIR FILE JQ: rows of [name, latency object] to a file a name; no point beyond what was counted
series() {
	mkdir -p "$1"
	jq -r "$3"' | select(.[1].count > 0) | .[0] as $name | .[1] |
		([[1, .min], [2, .p50], [10, .p90], [100, .p99], [1000, .p99_9], [10000, .p99_99]] as $points |
		.count as $n | ($points | map(select(.[0] <= $n))) + [[([$n, 2] | max), .max]]
		| sort_by(.[0])[] | [$name] + .) | @tsv' "$2" |
		awk -F '\t' -v dir="$1" '{ print $2, $3 >(dir "/" $1) }'
}

plot_latency() {
	local file
	mkdir "$scratch/hgrm"
	for file in *.hgrm; do
		awk '$4 ~ /^[0-9.]+$/ { print $4, $1 }' "$file" >"$scratch/hgrm/${file%.hgrm}"
	done
	percentiles latency 'round trip, ns' "$scratch"/hgrm/*
}

# Round trips of 64 bytes, or of the smallest message there is.
plot_ipc_latency() {
	series "$scratch/ipc" <(jq -c 'select(.type == "result" and .rtt_ns)' ipc.jsonl | jq -cs '
		(if any(.bytes == 64) then 64 else map(.bytes) | min end) as $bytes |
		.[] | select(.bytes == $bytes)') '[.method, .rtt_ns]'
	[ -z "$(ls "$scratch/ipc")" ] || percentiles ipc-latency 'round trip, ns' "$scratch"/ipc/*
}

# One line a run: what it was, and from when a datagram was to be sent until it was there.
plot_udp_latency() {
	series "$scratch/udp" <(cat udp-latency.jsonl) 'select(.type == "summary") |
		["\(.api)\(if .effective.gso then " GSO" else "" end), \(.rate_pps) pps", .latency_ns]'
	[ -z "$(ls "$scratch/udp")" ] || percentiles udp-latency 'one way, ns' "$scratch"/udp/*
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

# Rows of a file as a Markdown table: all fields that are plain values, and of histograms three
# percentiles.
table() {
	jq -rs 'def percentiles: to_entries | map(.key as $key | .value as $value |
			if ($value | type) == "object" and ($value | has("p50"))
			then ("p50", "p99", "p99_9") | {key: "\($key)_\(.)", value: $value[.]} else . end) | from_entries;
		[.[] | select(.type == "result") | percentiles] as $rows |
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
	local name=$1 plot
	[ -s "$name.jsonl" ] || return 0
	printf '\n## %s\n\n' "$name"
	for plot in "$name" "$name-latency"; do
		[ ! -e "$plot.png" ] || printf '![%s](%s.png)\n\n' "$plot" "$plot"
	done
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

rm -f {latency,ring,false-sharing,core-to-core,ipc-latency,udp-latency}.png
[ -z "$(find . -maxdepth 1 -name '*.hgrm' -size +0 -print -quit)" ] || plot_latency
[ ! -s ring.jsonl ] || plot_ring
[ ! -s false-sharing.jsonl ] || plot_false_sharing
[ ! -s core-to-core.jsonl ] || plot_core_to_core
[ ! -s ipc.jsonl ] || plot_ipc_latency
[ ! -s udp-latency.jsonl ] || plot_udp_latency
report >report.md
echo "$dir/report.md"
