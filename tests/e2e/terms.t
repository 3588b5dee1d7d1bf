#!/usr/bin/env bash
# An option that did not take effect is one line on stderr, and stands in the JSON with the reason.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 2
in_ns b ethtool -K vb gro on

# unmet OPTION PATTERN ARGS...: OPTION, and nothing else, is told once; and it is in start or summary
unmet() {
	local option=$1 pattern=$2
	shift 2
	run 0 a "$XSKIT" "$@"
	one_line "  $option is told" "note: $option: .*$pattern"
	check "  $option is in the JSON" jq -se --arg o "$option" --arg p "$pattern" \
		'last.unmet | length == 1 and .[0].option == $o and (.[0].why | test($p))' run.out
}

run 0 a "$XSKIT" rx va -j -q 0 -d 0.1 --mode native --bind copy --poll wait --batch 64 --frames 4096 \
	--frame-size 4096 --ring-size 512 --cpu 0 --node 0 --attach link --hugepages off
is 'all granted: nothing on stderr' "$err" ''
check 'and nothing unmet' jq -se 'map(select(.type == "start" or .type == "summary").unmet) == [[], []]' run.out

receive=(rx va -j -q 0 -d 0.1 -i 0)
unmet --batch 18 "${receive[@]}" --batch 1
unmet --busy-budget 'poll busy' "${receive[@]}" --busy-budget 8
unmet '--poll busy' 'NAPI' "${receive[@]}" --poll busy
unmet --tx-budget 'nothing is sent' "${receive[@]}" --tx-budget 64
unmet --poll 'sleep' rx va -j -d 0.1 -i 0 -q 0,1 --cpu 0

unmet --match 'its own packets only' ping va -j $IP_B --icmp -n 2 --match udp
unmet --match 'its own packets only' echo va -j -q 0 -d 0.1 -i 0 --match tcp

send=(gen va -j --engine xsk -n 100 --dst-mac "$MAC_B")
for option in mode=skb attach=link keep=none match=icmp busy-budget=8; do
	unmet "--${option%=*}" 'nothing is received' "${send[@]}" "--$option"
done
unmet '--poll busy' 'nothing is received' "${send[@]}" --poll busy

frames=(gen va -j --engine kernel -n 100 --dst-mac "$MAC_B")
for option in bind=copy batch=32 frames=4096 frame-size=4096 ring-size=512 hugepages=off; do
	unmet "--${option%=*}" 'no AF_XDP socket' "${frames[@]}" "--$option"
done

# One UMEM for several queues has shorter rings.
unmet --ring-size '1024, not 2048' ping va -j $IP_B --icmp -n 2 --ring-size 2048
unmet --frames '4096, not 2048' ping va -j $IP_B --icmp -n 2 --frames 2048

# A program that is there is joined as it is.
start first a "$XSKIT" rx va -j -q 0 --mode native
ready first
unmet --mode 'joined.*native' rx va -j -q 1 -d 0.1 -i 0 --mode skb
unmet --attach 'joined.*link' rx va -j -q 1 -d 0.1 -i 0 --attach libxdp
stop first
is 'exit code' "$rc" 0
done_testing
