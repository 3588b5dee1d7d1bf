#!/usr/bin/env bash
# What is in --require is granted, or the exit code is 3; and effective tells what was granted.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1

run 0 a "$XSKIT" rx va -j -d 0.2 --require native
check 'native is granted' jq -se 'last.effective.attach == "native"' run.out
run 3 a "$XSKIT" rx va -d 0.2 --mode skb --require native
one_line 'native is not granted in skb mode' native
run 3 a "$XSKIT" rx va -d 0.2 --require zerocopy
one_line 'a veth has no zero-copy' 'zero-?copy'
run 3 a "$XSKIT" rx va -d 0.2 --poll busy --require busypoll
one_line 'busy polling does not engage on a veth' 'busy'
run 0 a "$XSKIT" rx va -j -d 0.2 --poll busy
check '--poll busy without it: effective says so' \
	jq -se 'last | .effective.busy_poll == false and .requested.busy_poll == true' run.out
run 0 a "$XSKIT" rx va -d 0.2 --poll busy
check 'and so does the text' grep -qiE 'busy.?poll.*(no|not|off)\b' run.out
run 0 a "$XSKIT" rx va -j -d 0.2 --require native,node --node 0
run 3 a "$XSKIT" rx va -d 0.2 --require native,zerocopy
one_line 'one of two is not granted' 'zero-?copy'
if [ "$(cat /proc/sys/vm/nr_hugepages)" -eq 0 ]; then
	run 3 a "$XSKIT" rx va -d 0.2 --require hugepages
	one_line 'there are no huge pages' 'huge'
	run 1 a "$XSKIT" rx va -d 0.2 --hugepages on
	one_line '--hugepages on without any' 'huge'
else
	run 0 a "$XSKIT" rx va -d 0.2 --require hugepages
fi
run 0 a "$XSKIT" rx va -j -d 0.2 --hugepages off --bind copy --mode skb
check 'requested and effective differ where they should' jq -se 'last |
	.requested.attach == "skb" and .effective.attach == "skb" and
	.requested.bind == "copy" and .effective.bind == "copy" and .effective.hugepages == false' run.out

# gen: what it cannot have is not granted.
in_ns b ethtool -K vb gro on
for engine in xsk kernel; do
	gen=(gen va --engine "$engine" -n 10 --dst-mac "$MAC_B")
	run 3 a "$XSKIT" "${gen[@]}" --require native
	one_line "$engine: there is no program" 'native XDP was not granted on va'
	run 3 a "$XSKIT" "${gen[@]}" --require zerocopy
	one_line "$engine: no zero-copy" 'zerocopy was not granted on va'
	run 3 a "$XSKIT" "${gen[@]}" --poll busy --require busypoll
	one_line "$engine: no busy polling" 'busypoll was not granted on va'
	run 3 a "$XSKIT" "${gen[@]}" --hugepages off --require hugepages
	one_line "$engine: no huge pages" 'hugepages was not granted on va'
done
run 0 a "$XSKIT" gen va --engine xsk -n 10 --dst-mac $MAC_B --require node --node 0
run 3 a "$XSKIT" gen va --engine kernel -n 10 --dst-mac $MAC_B --require node --node 0
check 'nothing is left attached' until_ok 2 no_xdp a va
done_testing
