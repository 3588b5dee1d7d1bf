#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Looks at the sources: format, layers, headers that compile alone as C and C++, cppcheck, shell.
# TAP; each check's own words are behind a #. Exit 1 if one fails.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

tests=0 status=0
# lint WHAT CMD...
lint() {
	local what=$1 said
	shift
	tests=$((tests + 1))
	if said=$("$@" 2>&1); then
		echo "ok $tests - $what"
	else
		echo "not ok $tests - $what"
		echo "# ${said//$'\n'/$'\n'# }" | head -n 40
		status=1
	fi
}

# Files of the tree, new ones too: sources PATTERN...
sources() { git ls-files -z --cached --others --exclude-standard -- "$@" | xargs -0 ls -d 2>/dev/null; }

mapfile -t c_files < <(sources '*.c' '*.h')
mapfile -t shell_files < <(sources '*.sh' '*.t' .ci/run)

# headers COMPILER STANDARD LANGUAGE: each public header on its own
headers() {
	local header bad=0
	for header in include/xskit/*.h; do
		"$1" -std="$2" -x "$3" -fsyntax-only -Wall -Wextra -Werror -pedantic -Iinclude - \
			<<<"#include <xskit/${header##*/}>" || bad=1
	done
	return "$bad"
}

lint 'clang-format' clang-format --dry-run -Werror "${c_files[@]}"
lint 'layers' tools/check-layers.sh
lint 'public headers as C11' headers gcc c11 c
lint 'public headers as C++11' headers g++ c++11 c++
lint 'public headers as C++20' headers g++ c++20 c++
lint 'public headers as C11 with clang' headers clang c11 c
lint 'public headers as C++11 with clang' headers clang++ c++11 c++
lint 'cppcheck' cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --force \
	--enable=warning,portability,performance --suppress=missingInclude --suppress=unusedStructMember \
	-D'LIBBPF_OPTS(type,name,...)=struct type name = {__VA_ARGS__}' \
	-UXK_MEMORY_MODEL -Iinclude -Ibpf -Iuser user examples
# SC2317: functions called through another one; SC2016: perl and jq in
# single quotes; SC2119: functions whose arguments may all be left out
lint 'shellcheck' shellcheck -x -e SC2317,SC2016,SC2119 "${shell_files[@]}"
echo "1..$tests"
exit $status
