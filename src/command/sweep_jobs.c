/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_jobs.c - one script for each kind of batch system
 *
 * Each part writes its own file, NAME.I.jsonl.  Status 1 of a part says that some points have no plan, which is a result.
 */
#include <config.h>
#include "src/command/sweep_jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct job_script { const char *arguments, *name, *output; uint32_t parts; };

typedef void print_fn(const struct job_script *j);

/* The joined results need every part, so the shell's own list names them. */
static void
print_join(const struct job_script *j, const char *indent)
{
	printf("%si=1; while [ $i -le %" PRIu32 " ]; do cat %s.$i.jsonl; i=$((i + 1)); done >%s\n", indent, j->parts, j->name, j->output);
}

static void
print_slurm(const struct job_script *j)
{
	printf("#!/bin/sh\n"
	    "#SBATCH --job-name=layrub-sweep --output=%s.%%a.log --requeue --open-mode=append\n"
	    "# A sweep as an array of %" PRIu32 " tasks: 'sh THIS [OPTION OF sbatch]...' submits it, such as --cpus-per-task=16 or --partition=NAME,\n"
	    "# and a task that joins the results in %s.  A task that is killed and requeued goes on where it was.\n"
	    "if [ -z \"${SLURM_ARRAY_TASK_ID:-}${LAYRUB_JOIN:-}\" ]; then\n"
	    "	job=$(sbatch --parsable --array=1-%" PRIu32 " \"$@\" \"$0\") || exit\n"
	    "	LAYRUB_JOIN=1 exec sbatch --parsable --dependency=\"afterok:${job%%%%;*}\" --output=%s.join.log \"$0\"\n"
	    "fi\n"
	    "if [ -n \"${LAYRUB_JOIN:-}\" ]; then\n", j->name, j->parts, j->output, j->parts, j->name);
	print_join(j, "	");
	printf("	exit\n"
	    "fi\n"
	    "export OMP_NUM_THREADS=\"${SLURM_CPUS_PER_TASK:-1}\"\n"
	    "layrub sweep %s \\\n"
	    "    --shard \"$SLURM_ARRAY_TASK_ID/%" PRIu32 "\" -o %s.\"$SLURM_ARRAY_TASK_ID\".jsonl || [ $? -eq 1 ]\n", j->arguments, j->parts, j->name);
}

static void
print_parallel(const struct job_script *j)
{
	printf("#!/bin/sh\n"
	    "# A sweep in %" PRIu32 " parts by GNU parallel: 'sh THIS [OPTION OF parallel]...', such as -S host1,host2 for hosts that share this\n"
	    "# folder.  The results are joined in %s.  After an interrupt the same command goes on.\n"
	    "part() {\n"
	    "	layrub sweep %s \\\n"
	    "	    --shard \"$1/%" PRIu32 "\" -o %s.\"$1\".jsonl || [ $? -eq 1 ]\n"
	    "}\n"
	    "if [ \"${1:-}\" = part ]; then\n"
	    "	part \"$2\"\n"
	    "	exit\n"
	    "fi\n"
	    "i=1; while [ $i -le %" PRIu32 " ]; do echo $i; i=$((i + 1)); done |\n"
	    "	parallel -j1 --wd \"$PWD\" \"$@\" sh \"$0\" part {} || exit\n", j->parts, j->output, j->arguments, j->parts, j->name, j->parts);
	print_join(j, "");
}

/* Writes the arguments on one line of a YAML block. */
static void
print_kubernetes(const struct job_script *j)
{
	printf("# A sweep as %" PRIu32 " completions of an indexed job: 'kubectl apply -f THIS'.  The image has layrub in its path; the claim\n"
	    "# 'layrub-results' is a volume that all pods write.  Afterwards, in the volume:\n"
	    "#   cat %s.*.jsonl >%s\n"
	    "apiVersion: batch/v1\n"
	    "kind: Job\n"
	    "metadata:\n"
	    "  name: layrub-sweep\n"
	    "spec:\n"
	    "  completions: %" PRIu32 "\n"
	    "  parallelism: %" PRIu32 "\n"
	    "  completionMode: Indexed\n"
	    "  template:\n"
	    "    spec:\n"
	    "      restartPolicy: OnFailure\n"
	    "      containers:\n"
	    "      - name: sweep\n"
	    "        image: layrub\n"
	    "        workingDir: /results\n"
	    "        command:\n"
	    "        - sh\n"
	    "        - -c\n"
	    "        - |\n"
	    "          part=$((JOB_COMPLETION_INDEX + 1))\n"
	    "          layrub sweep %s --shard $part/%" PRIu32 " -o %s.$part.jsonl || [ $? -eq 1 ]\n"
	    "        volumeMounts:\n"
	    "        - name: results\n"
	    "          mountPath: /results\n"
	    "      volumes:\n"
	    "      - name: results\n"
	    "        persistentVolumeClaim:\n"
	    "          claimName: layrub-results\n",
	    j->parts, j->name, j->output, j->parts, j->parts, j->arguments, j->parts, j->name);
}

static const struct { const char *name, *summary; print_fn *print; } rows[] = {
	{ "slurm", "a script for sbatch: an array of tasks, and one that joins their results", print_slurm },
	{ "parallel", "a script for GNU parallel, on this machine or on hosts that share a folder", print_parallel },
	{ "kubernetes", "an indexed job for kubectl", print_kubernetes },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const char *
table_jobs(unsigned i, const char **summary)
{
	if (i >= ROWS)
		return NULL;
	if (summary != NULL)
		*summary = rows[i].summary;
	return rows[i].name;
}

void
sweep_jobs_print(const char *row, const char *arguments, uint32_t parts, const char *output, struct arena *a)
{
	size_t n = strlen(output), suffix = strlen(".jsonl");
	bool has_suffix = n > suffix && strcmp(output + n - suffix, ".jsonl") == 0;
	struct job_script j = { .arguments = arguments, .parts = parts, .output = arena_quote(a, output) };

	j.name = arena_quote(a, has_suffix ? arena_printf(a, "%.*s", (int)(n - suffix), output) : output);
	for (unsigned i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, row) == 0)
			rows[i].print(&j);
}

/* Returns the number of arguments that the option at argv[0] takes up, 1 or 2; 0: it is none of those that each part has for itself. */
static int
is_own_option(const char *argument)
{
	static const char *const names[] = { "--jobs", "--parts", "--shard", "--output" };
	size_t n = strcspn(argument, "=");

	if (strncmp(argument, "-o", 2) == 0)
		return argument[2] == '\0' ? 2 : 1;
	if (n < 3 || argument[0] != '-' || argument[1] != '-')
		return 0;
	/* An abbreviation of one of these names is of no other option, or the command line was refused. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(argument, names[i], n) == 0 && n <= strlen(names[i]))
			return argument[n] == '=' ? 1 : 2;
	return 0;
}

const char *
sweep_jobs_arguments(int argc, char *const *argv, struct arena *a)
{
	const char *text = "";

	for (int i = 1; i < argc; i++) {
		int own = is_own_option(argv[i]);

		if (own > 0) {
			i += own - 1;
			continue;
		}
		text = arena_printf(a, "%s%s%s", text, *text == '\0' ? "" : " ", arena_quote(a, argv[i]));
	}
	return text;
}
