#!/usr/bin/env bash
# The layer check sees an arrow that points back, planted in a copy of the tree.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
n=0 failed=0
ok() { n=$((n + 1)) && if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else failed=1 && echo "not ok $n - $2"; fi; }

fresh() { rm -rf "${copy:?}"/* && cp -r "$root"/{bpf,include,user,tools} "$copy"; }
layers() { XSKIT_BUILD=$copy/none "$copy/tools/check-layers.sh" "$copy"; }

# plant WHAT FILE LINE: the check must fail, and its words must name the file
plant() {
	fresh
	touch "$copy"/user/{session,cmd_gen}.h
	echo "$3" >>"$copy/$2"
	said=$(layers) && ok 1 "$1" && return
	[[ $said == *"$2"* ]]
	ok $? "$1"
}

said=$("$root/tools/check-layers.sh" "$root")
ok $? 'the tree is in order'
[ -z "$said" ] || echo "# ${said//$'\n'/$'\n'# }"
plant 'the library includes the tool' user/lib/umem.c '#include "packet.h"'
plant 'a public header includes a later room' include/xskit/mem.h '#include <xskit/umem.h>'
plant 'prog meets port' user/lib/prog.c '#include <xskit/port.h>'
plant 'prog meets port in a command' user/cmd_rx.c 'void f(void) { xk_port_close(0); xk_prog_close(0); }'
plant 'the worker knows packets' user/lib/worker.c '#include <xskit/port.h>'
plant 'a leaf grows an arrow' user/lib/place.c '#include <xskit/mem.h>'
plant 'one command includes another' user/cmd_rx.c '#include "cmd_gen.h"'
plant 'a room below includes the session' user/packet.c '#include "session.h"'
plant 'a room that the table does not know' user/attic.c '#include "packet.h"'
plant 'the library prints' user/lib/umem.c 'static void f(void) { printf("x"); }'
plant 'the library writes to stderr' user/lib/umem.c 'static void f(void) { fputs("x", stderr); }'
plant 'the library exits' user/lib/umem.c 'static void f(void) { exit(1); }'
plant 'a comment after the arrow' user/lib/mem.c '#  include "packet.h" /* only this once */'
echo "1..$n"
exit $failed
