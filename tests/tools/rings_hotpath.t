#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The rings' push and pop of one record, compiled for a constant size and number of slots, on rings
# without XK_RING_SLEEP: no division, no fence, no call but of what is rare, and just the locked
# instructions that the ring is made of.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
if [ "$(uname -m)" != x86_64 ]; then
	echo '1..0 # SKIP knows the instructions of x86-64 only'
	exit 0
fi
cc=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests=0 failed=0
report() {
	tests=$((tests + 1))
	if [ "$1" = ok ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
		echo "# ${3//$'\n'/$'\n'# }"
	fi
}

# headers [SED]: a copy in which no ring has sleepers, which is known at run time only; and changed.
headers() {
	rm -rf "$work/xskit" "$work/ring.o" && cp -r include/xskit "$work"
	sed -i -E 's/if \(!(sleep|c->stream\.sleep)\)/if (1)/' "$work"/xskit/*.h
	sed -i "${1:-}" "$work"/xskit/*.h
}

# compile RING BYTES: push() and pop() in ring.o
compile() {
	cat >"$work/ring.c" <<-END
		#include <xskit/$1.h>
		unsigned push(struct xk_$1_prod *h, const void *rec)
		{
			return xk_$1_push_k(h, rec, 1, $2, 1024);
		}
		unsigned pop(struct xk_$1_cons *h, void *rec)
		{
			return xk_$1_pop_k(h, rec, 1, $2, 1024);
		}
	END
	"$cc" -std=gnu11 -O2 -I"$work" -c "$work/ring.c" -o "$work/ring.o"
}

# The instructions of a function, with the names of what is called.
code() { objdump -dr --no-show-raw-insn --disassemble="$1" "$work/ring.o" | grep -P '^\s+[0-9a-f]+:'; }

# What the function calls or jumps to, by name.
called() { grep -oP '(R_X86_64_PLT32\s+\K[^-+]+|\tcall +[0-9a-f]+ <\K[a-z_.0-9]+(?=>))' <<<"$1"; }

# May be called, but never while all goes well: each is behind an `unlikely`.
rare='^(xk_ring_wake|xk_mpmc_(pass_void|adopt|pop_left)|xk_fanin_next_lane)(\.[a-z0-9.]+)?$'

# judge TEXT LOCKED: what is wrong; LOCKED instructions are right, `any` number
judge() {
	local locked
	locked=$(grep -P '\tlock ' <<<"$1")
	[ -n "$1" ] || echo 'no code'
	grep -P '\t(i?div|[lms]fence|xchg\s.*\(|rep |syscall)' <<<"$1"
	called "$1" | grep -vP "$rare" | sed 's/^/calls /'
	[ "$2" = any ] || [ "$(grep -c . <<<"$locked")" -eq "$2" ] || echo "not $2 locked: $locked"
	[ "$2" != 1 ] || grep -q 'lock cmpxchg' <<<"$locked" || echo 'no lock cmpxchg'
}

# The pop of fanin takes lanes, which is rare, by a locked instruction.
headers
for row in 'spsc 0 0' 'spsc_latency 0 0' 'fanin 0 any' 'mpmc 1 1'; do
	read -r ring push pop <<<"$row"
	for bytes in 8 64; do
		said=$(compile "$ring" "$bytes" 2>&1) || report '' "$ring compiles" "$said"
		bad=$(judge "$(code push)" "$push")
		report "$([ -z "$bad" ] && echo ok)" "$ring, $bytes bytes: push, $push locked" "$bad"
		bad=$(judge "$(code pop)" "$pop")
		report "$([ -z "$bad" ] && echo ok)" "$ring, $bytes bytes: pop, $pop locked" "$bad"
	done
done

# The check itself. planted WHAT RING BYTES FUNCTION LOCKED SED: compiles, and must be seen
planted() {
	local said
	headers "$6"
	said=$(compile "$2" "$3" 2>&1) || { report '' "$1 in $2 compiles" "$said"; return; }
	said=$(judge "$(code "$4")" "$5")
	report "$([ -n "$said" ] && echo ok)" "$1 in $2 is seen" 'nothing seen'
}
planted 'a division' spsc 8 push 0 's/at & (slots - 1)/at % (slots + (uint32_t)at)/'
planted 'a copy of unknown size' spsc h-\>stream.record_bytes pop 0 ''
planted 'a full fence' spsc 8 push 0 's/xk_store_release(word, value)/xk_store_seq(word, value)/'
planted 'a full fence' fanin 64 push 0 's/xk_store_release(word, value)/xk_store_seq(word, value)/'
planted 'a locked instruction' spsc_latency 8 pop 0 's/xk_load_acquire(slot)/xk_swap_seq(slot, 0u)/'
planted 'one more locked instruction' mpmc 8 push 1 \
	's/xk_store_relaxed(&u->seat->claim/__atomic_fetch_or(\&u->seat->claim/; s/word(number, n));/word(number, n), 0);/'
planted 'no locked instruction' mpmc 8 pop 1 's/xk_cas_release(&u->counter->word, &was, \(.*\))/(xk_store_release(\&u->counter->word, \1), true)/'
echo "1..$tests"
[ "$failed" -eq 0 ]
