#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every writer of a file against faults: killed at each system call that changes a file, a full disk, a size limit, a
# read-only folder, a broken gnuplot.  Afterwards either the old file or the new one is there, and no other file.
# strace puts the faults at exact places; without it those are skipped.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
# Only the first thread is traced; sanitizers look for leaks with a tracer of their own.
export OMP_NUM_THREADS=1 ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
net=$LAYRUB_TESTS/data/replay-cnn.json
dir=$work/folder
mkdir "$dir" bin || exit 1

# A fast stand-in for gnuplot.  Its picture is large enough to meet the size limit, and complete for every format.
cat >bin/gnuplot <<'END'
#!/bin/sh
script=$(cat)
printf '<svg>\n<g id="gnuplot_canvas">\n'
i=0
while [ $i -lt 200 ]; do
	echo '<path d="M 0,0 L 100,100"/>'
	i=$((i + 1))
done
case $script in
*pngcairo*) printf 'IEND\256\102\140\202' ;;
*pdfcairo*) printf '%%%%EOF' ;;
*) printf '</g>\n</svg>\n' ;;
esac
END
chmod +x bin/gnuplot
PATH=$work/bin:$PATH

"$LAYRUB" plan "$net" --device h100 --policy layrub -o plan.json >out 2>err || { diag err; exit 1; }
awk 'BEGIN { print "id,lower,upper,size"; for (i = 0; i < 300; i++) print i "," i % 50 "," i % 50 + 7 "," 256 * (1 + i * i % 91) }' >list.csv
"$LAYRUB" sweep "$net" --device h100 --policy layrub --link 1GB/s:9GB/s:2GB/s --ordered -o results.jsonl >out 2>err || { diag err; exit 1; }

# ---- the writers ----

writers="plan trace svg png pdf html keep placed model timeline"

# Run a writer of "$dir/file", under the words before it: write_as WRITER [COMMAND ARGUMENT...].
write_as() {
	writer=$1
	shift
	case $writer in
	plan) run_this "$@" "$LAYRUB" plan "$net" --device h100 --policy layrub -o "$dir/file" ;;
	trace) run_this "$@" "$LAYRUB" report plan.json -o "$dir/file.json" ;;
	svg | png | pdf) run_this "$@" "$LAYRUB" report results.jsonl -o "$dir/file.$writer" ;;
	html) run_this "$@" "$LAYRUB" report plan.json -o "$dir/file.html" ;;
	keep) run_this "$@" "$LAYRUB" report plan.json -o "$dir/file.svg" --keep ;;
	placed) run_this "$@" "$LAYRUB" place list.csv -o "$dir/file" ;;
	model) run_this "$@" "$LAYRUB" plan "$net" --device h100 --policy ilp --budget 94% --write-lp "$dir/file" ;;
	timeline) run_this "$@" "$LAYRUB_REPLAY" --backend host plan.json --trace "$dir/file" ;;
	sweep) run_this "$@" "$LAYRUB" sweep "$net" --device h100 --policy layrub --link 1GB/s:9GB/s:2GB/s --ordered -o "$dir/file" ;;
	esac
}

# The files that a writer leaves, each with its first content: keep has two.
files_of() {
	case $1 in
	trace) echo file.json ;;
	svg | png | pdf | html) echo "file.$1" ;;
	keep) echo file.svg file.svg.gp ;;
	*) echo file ;;
	esac
}

# The content that two runs of a writer have in common: all but measured times.
essence() {	# WRITER FILE
	case $1 in
	timeline) tail -c 3 "$2" ;;
	*) cat "$2" ;;
	esac
}

# Prepares a folder with the old files alone, or an empty one.
begin() {	# WRITER old|none
	rm -rf "$dir"
	mkdir "$dir"
	if [ "$2" = old ]; then
		for file in $(files_of "$1"); do
			echo old >"$dir/$file"
		done
	fi
}

is_old() { [ "$(cat "$dir/$1" 2>/dev/null)" = old ]; }
is_new() { [ -e "$dir/$2" ] && essence "$1" "$dir/$2" | cmp -s - "new.$1.$2"; }

# whole: each file is the old or the new one, complete.  debris: all other files, such as those of a killed writer.
whole() {	# WRITER old|none
	for file in $(files_of "$1"); do
		is_new "$1" "$file" || { [ "$2" = old ] && is_old "$file"; } || { [ "$2" = none ] && [ ! -e "$dir/$file" ]; } || return 1
	done
}

debris() {	# WRITER
	for entry in "$dir"/* "$dir"/.[!.]*; do
		case " $(files_of "$1") " in
		*" ${entry##*/} "*) ;;
		*) [ ! -e "$entry" ] || echo "${entry##*/}" ;;
		esac
	done
}

all_old() {
	for file in $(files_of "$1"); do
		is_old "$file" || return 1
	done
	[ -z "$(debris "$1")" ]
}

all_new() {
	for file in $(files_of "$1"); do
		is_new "$1" "$file" || return 1
	done
	[ -z "$(debris "$1")" ]
}

# The output of each writer without a fault; those that this build cannot run are left out.
able=
for writer in $writers; do
	begin "$writer" none
	write_as "$writer"
	good=0
	for file in $(files_of "$writer"); do
		[ -s "$dir/$file" ] && essence "$writer" "$dir/$file" >"new.$writer.$file" || good=1
	done
	if [ "$good" -eq 0 ] && [ "$status" -eq 0 ]; then
		able="$able $writer"
	elif grep -E 'built without gnuplot|expected one of' err >/dev/null; then
		skip "$writer" "this build has no such writer"
	else
		ok 1 "$writer writes"
	fi
done

# ---- a limit on files, a full and a read-only disk, places where no file can be ----

# The writer fails with this message, and the old file stands.
fails() {	# WRITER NAME MESSAGE
	[ "$status" -eq 3 ] && grep -q "$3" err && all_old "$1"
	ok $? "$1: $2: status 3 (got $status), '$3', the old file stands"
}

for writer in $able; do
	begin "$writer" old
	write_as "$writer" sh -c 'ulimit -f 2; exec "$@"' sh
	# gnuplot meets the limit first when it draws.
	fails "$writer" "over the limit on file sizes" 'too large\|incomplete\|annot write'
	rm -rf "$dir"
	echo old >"$dir"
	write_as "$writer"
	[ "$status" -eq 3 ] && grep -q 'Not a directory' err
	ok $? "$writer: below a file: status 3 (got $status)"
	rm -f "$dir"
	for file in $(files_of "$writer"); do
		mkdir -p "$dir/$file"
	done
	write_as "$writer"
	[ "$status" -eq 3 ] && grep -q 'Is a directory' err && [ -z "$(debris "$writer")" ]
	ok $? "$writer: onto a folder: status 3 (got $status)"
	rm -rf "$dir"
	if [ "$(id -u)" -ne 0 ]; then
		begin "$writer" old
		chmod 555 "$dir"
		write_as "$writer"
		fails "$writer" "a folder that may not be written" 'Permission denied'
		chmod 755 "$dir"
	fi
done

# A disk of its own, in a name space of its own: small, then read-only.
# shellcheck disable=SC2016
mount_and() {	# the rest of the command line is run on it
	unshare -rm sh -c 'mount -t tmpfs -o size=4k none "$0" && echo old >"$0/file" && mount $how "$0" && "$@"; status=$?
		cat "$0/file" >"$0.left"; ls -A "$0" >"$0.list"; exit $status' "$dir" "$@"
}
how="-o remount,size=4k"
export how
mkdir -p "$dir"
if run_this mount_and true && [ "$status" -eq 0 ] && [ "$(cat "$dir.left")" = old ]; then
	for case in "full:No space left on device:-o remount,size=4k" "read-only:Read-only file system:-o remount,ro"; do
		text=${case#*:}
		how=${text#*:} text=${text%%:*}
		for writer in plan placed model timeline sweep; do
			case "$able sweep" in *"$writer"*) ;; *) continue ;; esac
			[ "$writer $text" != "sweep Read-only file system" ] || continue
			[ "$writer" != sweep ] || sed -n 1p results.jsonl >"$dir.line"
			write_as "$writer" mount_and
			if [ "$writer" = sweep ]; then
				# It appends to its own results only.
				[ "$status" -eq 2 ]
			else
				[ "$status" -eq 3 ] && grep -q "$text" err && [ "$(cat "$dir.left" "$dir.list" | tr '\n' ' ')" = "old file " ]
			fi
			ok $? "$writer: a ${case%%:*} disk: status 3 (got $status), '$text', the old file stands"
		done
	done
else
	skip "a full disk, a read-only disk" "no disk can be mounted here"
fi

# ---- gnuplot ----

# Broken stand-ins for gnuplot: they leave no picture, or an incomplete one.
cp bin/gnuplot good-gnuplot
while IFS='|' read -r name text script; do
	printf '#!/bin/sh\n%s\n' "$script" >bin/gnuplot
	for writer in svg html keep; do
		case $able in *"$writer"*) ;; *) continue ;; esac
		begin "$writer" old
		write_as "$writer"
		# A script that --keep leaves was written before gnuplot failed, and shows the reason.
		[ "$writer" != keep ] || [ ! -s "$dir/file.svg.gp" ] || echo old >"$dir/file.svg.gp"
		fails "$writer" "gnuplot $name" "$text"
	done
done <<'END'
fails|gnuplot failed: no room|echo 'no room' >&2; exit 1
says nothing|gnuplot failed with status 7|exit 7
is killed|ended by signal 9|kill -9 $$
is told to end|ended by signal 15|printf '<svg>'; kill -TERM $$
stops halfway|incomplete|printf '<svg>'
draws nothing|incomplete|exit 0
END
rm bin/gnuplot
case $able in
*svg*)
	begin svg old
	write_as svg env PATH="$work/bin"
	fails svg "no gnuplot" 'is not installed'
	;;
esac
mv good-gnuplot bin/gnuplot

# ---- exact places ----

if ! strace -o log true 2>err; then
	skip "faults at exact places" "no strace that may trace (Debian: strace)"
	done_testing
	exit 0
fi

# The system calls of the last traced run that change files, from the one that begins the output on: "NAME N" is the Nth of
# its name.  Kills before each of them cover every state that a process can leave.
places() {	# NAME...
	awk -v dir="\"$dir" -v names=" $* " '
		/^[a-z0-9_]+\(/ {
			name = substr($0, 1, index($0, "(") - 1)
			n[name]++
			if (index($0, "openat(AT_FDCWD, " dir))
				begun = 1
			if (begun && index(names, " " name " "))
				print name, n[name]
		}' log
}

state_changes="openat write writev pwrite64 fchmod fsync flock linkat rename renameat renameat2 unlink ftruncate close exit_group"

wrong() {	# WHAT
	broken=$((broken + 1))
	echo "# $1"
}

# Kill the writer at each place, of many writes at every fifth; $also is a fault besides, of another system call.
kill_everywhere() {	# WRITER old|none NAME
	begin "$1" "$2"
	# shellcheck disable=SC2086
	write_as "$1" strace -o log -s 200 $also
	[ "$status" -eq 0 ] && all_new "$1"
	ok $? "$1, $3: well when it is not killed"
	# shellcheck disable=SC2086
	places $state_changes | if [ -z "$also" ]; then cat; else grep -v '^openat '; fi |
	    awk '$1 != "write" || $2 <= 20 || $2 % 5 == 0' >found
	broken=0 kills=0 left=0
	while read -r name n; do
		begin "$1" "$2"
		# shellcheck disable=SC2086
		write_as "$1" strace -o /dev/null $also -e inject="$name:signal=KILL:when=$n"
		if [ "$status" -ne 137 ] || ! whole "$1" "$2"; then
			wrong "killed at $name $n: status $status"
		fi
		kills=$((kills + 1))
		[ -n "$(debris "$1")" ] || continue
		# The next writer of that file removes the leftovers.
		left=$((left + 1))
		# shellcheck disable=SC2086
		write_as "$1" ${also:+strace -o /dev/null $also}
		all_new "$1" || wrong "left at $name $n: $(debris "$1")"
	done <found
	[ "$kills" -gt 5 ] && [ "$broken" -eq 0 ]
	ok $? "$1, $3: killed at $kills places; left $left times what the next run removes"
}

# The Nth of a system call, counted from the beginning of the program, that is the output's first.
first_place() {	# NAME
	places "$1" | awk 'NR == 1 { print $2 }'
}

also=
kill_everywhere plan none "a new file"
for writer in $able; do
	kill_everywhere "$writer" old "over an old file"
done
begin plan old
write_as plan strace -o log -s 200
also="-e inject=openat:error=EOPNOTSUPP:when=$(first_place openat)"
kill_everywhere plan old "where files cannot go without a name"
kill_everywhere plan none "a new file there"
[ "$left" -gt 5 ]
ok $? "there a killed writer leaves its temporary file"
also=

# A system call fails: NAME ERROR, and whether the writer fails or finds another way.
for writer in $able; do
	begin "$writer" old
	write_as "$writer" strace -o log -s 200
	while read -r name error when text; do
		places "$name" >found
		# --keep's two files: the first one's faults.  Of the writes, the first and one in the middle.
		# shellcheck disable=SC2013
		for n in $(awk -v when="$when" 'NR == 1 || (when == "twice" && NR == 4) { print $2 }' found); do
			from=
			[ "$when" != on ] || from=+
			begin "$writer" old
			write_as "$writer" strace -o /dev/null -e inject="$name:error=$error:when=$n$from"
			if [ "$text" = well ]; then
				[ "$status" -eq 0 ] && all_new "$writer"
				ok $? "$writer: $error of $name: it finds another way (status $status)"
			elif [ "$writer" = keep ] && [ "$status" -eq 3 ]; then
				whole keep old && [ -z "$(debris keep)" ]
				ok $? "$writer: $error of $name: each file is whole"
			else
				fails "$writer" "$error of $name $n" "$text"
			fi
		done
	done <<'END'
openat EOPNOTSUPP once well
openat EROFS on Read-only file system
openat EMFILE on Too many open files
write ENOSPC twice No space left on device\|annot write
write EIO once Input/output error\|annot write
fchmod EPERM once Operation not permitted
fsync EIO once Input/output error
fsync ENOSPC once No space left on device
linkat EPERM once well
flock ENOLCK once well
rename EACCES once Permission denied
END
done

# ---- a sweep appends ----

write_as sweep strace -o log -s 200 >/dev/null
begin sweep none
write_as sweep strace -o log -s 200
[ "$status" -eq 0 ] && cmp -s "$dir/file" results.jsonl
ok $? "sweep: its results"
places openat write fsync close exit_group >found
broken=0 kills=0
while read -r name n; do
	begin sweep none
	write_as sweep strace -o /dev/null -e inject="$name:signal=KILL:when=$n"
	if [ -e "$dir/file" ]; then
		lines=$(wc -l <"$dir/file")
		head -n "$lines" results.jsonl | cmp -s - "$dir/file" || wrong "killed at $name $n: other bytes"
	fi
	write_as sweep
	if [ "$status" -ne 0 ] || ! cmp -s "$dir/file" results.jsonl; then
		wrong "killed at $name $n: it does not go on"
	fi
	kills=$((kills + 1))
done <found
[ "$kills" -gt 5 ] && [ "$broken" -eq 0 ]
ok $? "sweep: killed at each of $kills places, it goes on from whole lines to the same bytes"
while read -r name error text; do
	n=$(places "$name" | awk 'NR == 3 || name == "fsync" { print $2; exit }' name="$name")
	begin sweep none
	write_as sweep strace -o /dev/null -e inject="$name:error=$error:when=$n"
	[ "$status" -eq 3 ] && grep -q "$text" err
	ok $? "sweep: $error of $name: status 3 (got $status)"
	write_as sweep
	[ "$status" -eq 0 ] && cmp -s "$dir/file" results.jsonl
	ok $? "and the same command goes on"
done <<'END'
write ENOSPC No space left on device
write EIO Input/output error
fsync EIO Input/output error
END
done_testing
