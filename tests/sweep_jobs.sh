#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Job scripts of a sweep: by GNU parallel and by a Slurm of this test's own, whose joined lines are those of the sweep in one piece, also
# after a task was killed and requeued.  The Kubernetes manifest is YAML, and its command runs a part.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
PATH=$(dirname "$LAYRUB"):$PATH
export PATH

grid="resnet18 --device k40m --batch 8:24:8 --budget 80%,90%,all --policy layrub --ordered"

same() {	# FILE NAME: it has the lines of the whole sweep
	sort "$1" | cmp -s - whole.sorted
	ok $? "$2"
}

# shellcheck disable=SC2086
{
run sweep $grid -o whole.jsonl
sort whole.jsonl >whole.sorted
[ "$(wc -l <whole.jsonl)" -eq 9 ]
ok $? "the sweep in one piece"

for system in slurm parallel kubernetes; do
	answers 0 "--jobs $system" sweep $grid --jobs $system --parts 4 -o joined.jsonl
	cp out "$system.job"
done
answers 2 "a part of a part" sweep $grid --jobs slurm --shard 1/2
answers 2 "--parts alone" sweep $grid --parts 2
answers 0 "no more parts than points" sweep $grid --jobs slurm --parts 50
}
holds "--array=1-9 " out "an array of 9"

for job in slurm.job parallel.job; do
	sh -n $job
	ok $? "$job is a shell script"
done

if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
	run_this sh parallel.job --will-cite
	is 0 "the script for GNU parallel"
	same joined.jsonl "its joined lines are those of the whole sweep"
	rm -f joined*.jsonl
else
	skip "the script for GNU parallel" "no GNU parallel"
fi

# The part of a pod, as its shell runs it.
sed -n '/^ *- |$/,/^ *volumeMounts/{ /- |$/d; /volumeMounts/d; s/^ *//; p; }' kubernetes.job >pod.sh
for index in 0 1 2 3; do
	JOB_COMPLETION_INDEX=$index sh pod.sh >out 2>err || ok 1 "pod $index"
done
cat joined.[1-4].jsonl >joined.jsonl
same joined.jsonl "four pods' lines are those of the whole sweep"
rm -f joined*.jsonl

# ---- Slurm ----

reason=
for program in sbatch slurmctld slurmd munged scontrol squeue; do
	command -v "$program" >/dev/null || reason="$program is not installed"
done
[ "$(id -u)" -eq 0 ] || reason="the daemons need root"
id munge >/dev/null 2>&1 || reason="there is no user munge"
if [ -n "$reason" ]; then
	skip "an array of Slurm" "$reason"
	done_testing
	exit 0
fi

host=$(hostname -s) slurm=$work/slurm
mkdir -p "$slurm/state" "$slurm/spool" "$slurm/munge"
chmod 755 "$work" "$slurm"
head -c 1024 /dev/urandom >"$slurm/munge/key"
chown -R munge "$slurm/munge"
chmod 700 "$slurm/munge"
chmod 400 "$slurm/munge/key"
cat >"$slurm/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$slurm/munge/socket,cred_expire=5
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.log
ReturnToService=2
SlurmUser=root
SchedulerParameters=sched_interval=1,batch_sched_delay=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=all Nodes=$host Default=YES State=UP
END
export SLURM_CONF="$slurm/slurm.conf"
chmod 755 "$slurm/munge"
setpriv_munged() {
	su -s /bin/sh munge -c "exec munged --key-file '$slurm/munge/key' --socket '$slurm/munge/socket' --pid-file '$slurm/munge/pid' \
	    --log-file '$slurm/munge/log' --seed-file '$slurm/munge/seed' --force"
}
stop_slurm() {
	for pid in "$slurm/slurmd.pid" "$slurm/slurmctld.pid" "$slurm/munge/pid"; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
		tries=0
		while [ -s "$pid" ] && [ $tries -lt 40 ]; do
			tries=$((tries + 1))
			sleep 0.1
		done
	done
	rm -rf "$work"
}
trap stop_slurm EXIT
setpriv_munged >"$slurm/munge.out" 2>&1 && slurmctld >"$slurm/ctld.out" 2>&1 && slurmd -N "$host" >"$slurm/d.out" 2>&1
tries=0
until sinfo -h -o %t 2>/dev/null | grep -q '^idle'; do
	tries=$((tries + 1))
	if [ $tries -gt 60 ]; then
		skip "an array of Slurm" "Slurm does not start here"
		done_testing
		exit 0
	fi
	sleep 0.25
done

# Waits until no job is left, at most 60 s.
wait_for_jobs() {
	tries=0
	while [ -n "$(squeue -h 2>/dev/null)" ] && [ $tries -lt 240 ]; do
		tries=$((tries + 1))
		sleep 0.25
	done
}

run_this sh slurm.job
is 0 "the script submits itself"
wait_for_jobs
same joined.jsonl "an array's joined lines are those of the whole sweep"
cp joined.*.log "$work/err" 2>/dev/null

# A task that is killed in the middle of a line and requeued goes on where it was.
rm -f joined*
{
	sed '/^export OMP_NUM_THREADS/,$d' slurm.job
	# The first run of part 2 leaves a half line, and waits to be requeued.
	echo 'if [ "$SLURM_ARRAY_TASK_ID" = 2 ] && [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ]; then'
	echo '	layrub sweep '"$grid"' --shard 2/4 -o joined.2.jsonl'
	echo '	head -c -100 joined.2.jsonl >half && cp half joined.2.jsonl && : >killable && sleep 60'
	echo 'fi'
	sed -n '/^export OMP_NUM_THREADS/,$p' slurm.job
} >killed.job
run_this sh killed.job
tries=0
until [ -e killable ] || [ $tries -gt 240 ]; do
	tries=$((tries + 1))
	sleep 0.25
done
job=$(squeue -h -r -t RUNNING -o '%A %K' | sed -n 's/ 2$//p')
run_this scontrol requeue "$job"
is 0 "a task is killed and requeued"
wait_for_jobs
same joined.jsonl "its joined lines are those of the whole sweep"
grep -q "half written" joined.2.log
ok $? "after the half line was dropped"
done_testing
