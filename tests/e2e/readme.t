#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every command of the README, in its order, as a newcomer types them. `make demo` is one of them;
# `make check` is what runs this, and `make` what was run before it.
limit=300
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

cd "$root" || exit 1
sudo() { "$@"; }
export -f sudo

# The blocks marked sh, one command a line; what is said to run in the background does.
sed -n '/^```sh$/,/^```$/{/^```/d;p}' README.md >"$T/commands"
check 'the README has commands' test "$(wc -l <"$T/commands")" -gt 20
while IFS= read -r command; do
	case $command in
	'' | \#*) continue ;;
	'sudo make check' | make) continue ;;
	*'&')
		command=${command%&}
		bash -c "exec ${command#sudo }" </dev/null >"$T/background" 2>&1 &
		continue
		;;
	wait)
		wait # or the limit ends it
		continue
		;;
	esac
	if timeout 120 bash -c "$command" </dev/null >"$T/said" 2>&1; then
		pass "$command"
	else
		fail "$command" "$(tail -n 20 "$T/said")"
	fi
done <"$T/commands"
tools/veth.sh down
rm -f build/rtt.hgrm
done_testing
