#!/usr/bin/env bash
# Frames that span buffers are one packet with their full length.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
pair 1 9000

# Without multi-buffer: refused, with what does it then.
if [ "$(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1)" != 6.6 ]; then
	run 1 a "$XSKIT" rx va -d 1
	one_line 'a kernel without multi-buffer' 'MTU 9000.*--frame-size 4096, a kernel with multi-buffer'
	in_ns a ip link set va mtu 3000
	in_ns b ip link set vb mtu 3000
	start rx a "$XSKIT" rx va -j -i 0.1 --frame-size 4096
	ready rx
	udp 3014 | blast 100 -J
	until_ok 5 has_counted rx 100
	stop rx
	sound rx
	summary rx 'a frame of 4,096 holds it' '.packets == 100 and .bytes == 100 * 3014'
	done_testing
fi

# jumbo OPTIONS...: 150 frames, from small to the largest
jumbo() {
	start rx a "$XSKIT" rx va -j -i 0.1 "$@"
	ready rx || return
	for size in 64 1514 2048 4096 8942 9014; do udp $size; done | blast 150 -J
	until_ok 5 has_counted rx 150
	stop rx
	sound rx
	summary rx "150 packets, full length ${*:-by default}" \
		".packets == 150 and .bytes == 25 * $((64 + 1514 + 2048 + 4096 + 8942 + 9014))"
	summary rx 'no drops' '.drops | add == 0'
}
jumbo
jumbo --frame-size 4096
jumbo --poll busy
jumbo --batch 1
jumbo --mode skb
is 'nothing on stderr' "$(cat rx.err)" ''

# A burst ends in the middle of a packet, again and again.
start rx a "$XSKIT" rx va -j -i 0.1 --batch 7
ready rx
udp 8942 | blast 200 -J
until_ok 5 has_counted rx 200
stop rx
sound rx
summary rx 'no packet is split' '.packets == 200 and .bytes == 200 * 8942'
done_testing
