# What .ci/gvisor, .ci/kernels and .ci/wine share: each runs the tests of this
# module on another system, and is sourced with the module as working directory.
#
# A log has a section for each package: "### DIRECTORY", what the test binary
# printed with -test.v, and "### DIRECTORY exit STATUS SECONDS".

# What was fetched or built is kept here. It is fetched again when it is removed.
cache=${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/dgram

work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# Tests of speed and quantity, and of the tests' own kernel, which is the same everywhere.
slow='Simulation|Soak|Conservation|OrdinaryTraffic|^TestAlloc'

# skip ends the script: the system cannot be had on this machine.
skip() {
	echo "skipped: $*"
	[[ -z ${DGRAM_CI_SKIPPED:-} ]] || echo "$*" >>"$DGRAM_CI_SKIPPED"
	exit 0
}

have() { command -v "$1" >/dev/null 2>&1; }

# tested lists the directories of the packages that have tests, for GOOS and GOARCH.
tested() {
	go list -e -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' "$@" | sed "s#^$PWD/##"
}

# tests builds the test binary of each directory $2…, as $work/bin/NAME$1, and runs
# "run DIRECTORY BINARY" for each, which the caller defines. udp takes as long as the
# others together, and runs beside them. The log is file $log. One that hangs is
# ended.
tests() {
	local suffix=$1 directory lane=
	shift
	mkdir "$work/bin" "$work/sections"
	go test "${build[@]}" -c -o "$work/bin/" "${@/#/./}"
	for directory in "$@"; do
		if [[ $directory == udp ]] && (($# > 1)); then
			section "$directory" &
			lane=$!
		fi
	done
	for directory in "$@"; do
		[[ $directory == udp && -n $lane ]] || section "$directory"
	done
	[[ -z $lane ]] || wait $lane
	for directory in "$@"; do
		cat "$work/sections/${directory//\//-}"
	done >"$log"
}

# section writes the log of one package.
section() {
	local file=$work/sections/${1//\//-} began=$SECONDS status=0
	(cd "$1" && run "$1" "$work/bin/${1##*/}.test$suffix") >"$file.out" 2>&1 || status=$?
	{
		echo "### $1"
		cat "$file.out"
		echo
		echo "### $1 exit $status $((SECONDS - began))"
	} >"$file"
}

build=()

# program installs a package if the machine lacks a program of it.
program() {
	have "$1" && return
	[[ $(id -u) == 0 ]] && have apt-get || skip "no $1, and no apt to install $2 with"
	install "$2" && return
	timeout 60 apt-get -qq update >"$work/apt" 2>&1 || true
	install "$2" || skip "no $1, and apt cannot install $2: $(tail -n 1 "$work/apt")"
}

install() { DEBIAN_FRONTEND=noninteractive timeout 180 apt-get -qq install -y --no-install-recommends "$1" >"$work/apt" 2>&1; }

# report reads a log and says, for each package, how many tests passed and what
# was skipped and why; of those that failed it prints what they said. It fails
# where a package failed, or where fewer than $1 packages were run to their end.
report() {
	awk -v expected="$1" '
	function head(text,    lines, n, i, all) { # what a test said first, and last
		n = split(text, lines, "\n")
		for (i = 1; i < n; i++) if (i <= 4 || i >= n - 4) all = all lines[i] "\n"; else if (i == 5) all = all "    ...\n"
		return all
	}
	function finish() { delete said; current = ""; tail = 0; passed = skipped = failed = 0 }
	{ sub(/\r$/, ""); last[NR % 20] = $0 }
	/^### .* exit / {
		printf "%-6s %-32s %4ds %4d passed %3d skipped %3d failed\n", $4 == 0 ? "ok" : "FAIL", $2, $5, passed, skipped, failed
		for (reason in why) printf "       %3d skipped: %s\n", why[reason], reason
		delete why
		ended++
		if ($4 != 0) bad = 1
		finish()
		next
	}
	/^### / { open = $2; finish(); next }
	/^=== (RUN|CONT|NAME|PAUSE) / { current = $3; next }
	/^--- PASS: / { passed++; next }
	/^ *--- SKIP: / {
		if ($0 !~ /^ /) skipped++
		reason = said[$3]
		sub(/\n.*/, "", reason); sub(/^ *[^ ]*_test\.go:[0-9]+: /, "", reason); sub(/^ *[a-z_]+\.go:[0-9]+: /, "", reason)
		why[reason]++
		next
	}
	/^ *--- FAIL: / { if ($0 !~ /^ /) failed++; print; printf "%s", head(said[$3]); next }
	/^ *--- (PASS|BENCH): / { next }
	/^(panic:|fatal error:|SIG|unexpected fault|goleak:)/ { tail = 30 }
	tail > 0 { print; tail--; next }
	{ said[current] = said[current] $0 "\n" }
	END {
		if (ended < expected) {
			printf "FAIL   %d of %d packages came to their end; the last one begun: %s\n", ended, expected, open == "" ? "none" : open
			print "the last of its output:"
			for (i = NR > 20 ? NR - 19 : 1; i <= NR; i++) print "    " last[i % 20]
			bad = 1
		}
		exit bad
	}'
}
