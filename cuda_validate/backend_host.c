/* SPDX-License-Identifier: Apache-2.0 */
/* backend_host.c - the host back end: a thread for each queue, memcpy for the link, semaphores for `after`
 *
 * Each pair of an instruction and a queue that waits for it has a semaphore, so threads meet only at the plan's edges.  A
 * plan that lacks an edge is a data race here, in its effect and for the thread sanitizer.  Actions are the same in each
 * step and are kept.
 */
#include <config.h>
#include "cuda_validate/replay.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cuda_validate/pattern.h"
#include "src/base/host_memory.h"

#define NO_SEMAPHORE UINT32_MAX

enum verb { VERB_RUN, VERB_COPY, VERB_DELAY, VERB_POISON, VERB_POST, VERB_WAIT };

struct action {
	enum verb verb;
	uint32_t instruction, semaphore;
	void *at;			/* to poison */
	bytes_t bytes;
};

struct worker {
	struct machine *machine;
	struct action *actions;
	size_t count, capacity;
	pthread_t thread;
	sem_t go, done;
	bool has_thread, has_semaphores;
};

struct machine {
	const struct job *job;
	struct arena *arena;
	unsigned char *device, *host;	/* arena and pool */
	bytes_t mapped_bytes;
	struct worker workers[QUEUE_COUNT];
	uint32_t (*semaphore_of)[QUEUE_COUNT];	/* [instruction_count] by the queue that waits */
	uint8_t *waited;		/* [instruction_count] bit q: queue q has waited for it */
	sem_t *semaphores;		/* [semaphore_count] */
	uint32_t semaphore_count;
	uint64_t *digests;		/* [read_count] */
	struct sim_span *spans;		/* [instruction_count] */
	struct timespec start;
	uint64_t step;
	bool stop;
	bool known;			/* the actions are listed */
};

static double
now_us(const struct machine *m)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - m->start.tv_sec) * 1e6 + (double)(t.tv_nsec - m->start.tv_nsec) / 1e3;
}

/* Waits until the clock shows us.  Long waits release the processor. */
static void
hold_until(const struct machine *m, double us)
{
	struct timespec t = { 0 };

	for (double left; (left = us - now_us(m)) > 0;) {
		t.tv_nsec = left > 1000 ? 900000 : 1000;
		if (left > 100)
			nanosleep(&t, NULL);
	}
}

/* ---- memory ---- */

/* Maps arena and pool as one stretch of the process's memory. */
static int
map(struct machine *m, const struct plan *p, struct err *e)
{
	bytes_t bytes = bytes_align(p->arena_bytes, DEVICE_ALIGN) + p->host_bytes, available = host_memory_available();
	void *memory;

	if (bytes == 0)
		return 0;
	/* A kernel that overcommits memory would kill the process in mid-run. */
	if ((available > 0 && bytes > available) || bytes > SIZE_MAX)
		return host_memory_missing("arena and pool", bytes, e);
	memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return host_memory_missing("arena and pool", bytes, e);
	m->mapped_bytes = bytes;
	m->device = memory;
	m->host = m->device + bytes_align(p->arena_bytes, DEVICE_ALIGN);
	return 0;
}

static void *
at(const struct machine *m, bool on_host, bytes_t offset)
{
	return (on_host ? m->host : m->device) + offset;
}

/* ---- the threads ---- */

static void
do_run(struct machine *m, uint32_t i)
{
	const struct job *job = m->job;
	const struct effect *w = &job->effects[i];
	const bool sample = job->options.sample;
	uint64_t s = pattern_op(job->options.seed, job->plan->program[i].op, m->step);
	double start = now_us(m);

	for (size_t n = w->read_first; n < (size_t)w->read_first + w->read_count; n++) {
		m->digests[n] = pattern_digest(at(m, false, job->reads[n].offset_bytes), job->reads[n].bytes, sample);
		s = pattern_read(s, m->digests[n]);
	}
	for (size_t n = w->write_first; n < (size_t)w->write_first + w->write_count; n++) {
		const struct write *x = &job->writes[n];

		pattern_fill(at(m, false, x->offset_bytes), x->bytes,
		    x->which == PATTERN_POISON ? PATTERN_POISON : pattern_write(s, x->which), sample);
	}
	if (job->options.traced)
		hold_until(m, start + w->time_us);
	m->spans[i] = (struct sim_span) { start, now_us(m) };
}

static void
do_copy(struct machine *m, uint32_t i)
{
	const struct instruction *in = &m->job->plan->program[i];
	const struct effect *w = &m->job->effects[i];
	void *device = at(m, false, w->device_bytes + in->at_bytes), *host = at(m, true, w->host_bytes + in->at_bytes);
	double start = now_us(m);

	if (in->queue == QUEUE_OUT)
		memcpy(host, device, (size_t)in->bytes);
	else
		memcpy(device, host, (size_t)in->bytes);
	m->spans[i] = (struct sim_span) { start, now_us(m) };
}

static void
await(sem_t *s)
{
	while (sem_wait(s) < 0 && errno == EINTR)
		;
}

static void
perform(struct machine *m, const struct action *c)
{
	const struct job *job = m->job;

	switch (c->verb) {
	case VERB_RUN:
		do_run(m, c->instruction);
		break;
	case VERB_COPY:
		do_copy(m, c->instruction);
		break;
	case VERB_DELAY:
		hold_until(m, now_us(m) + (double)pattern_delay(job->options.seed, c->instruction, m->step, job->jitter_ns) / 1e3);
		break;
	case VERB_POISON:
		pattern_fill(c->at, c->bytes, PATTERN_POISON, false);
		break;
	case VERB_POST:
		sem_post(&m->semaphores[c->semaphore]);
		break;
	case VERB_WAIT:
		await(&m->semaphores[c->semaphore]);
		break;
	}
}

static void *
work_through(void *arg)
{
	struct worker *l = arg;

	for (;;) {
		await(&l->go);
		if (l->machine->stop)
			return NULL;
		for (size_t k = 0; k < l->count; k++)
			perform(l->machine, &l->actions[k]);
		sem_post(&l->done);
	}
}

/* ---- the table's row ---- */

static struct action *
add(struct machine *m, uint32_t instruction, enum verb verb)
{
	struct worker *l = &m->workers[m->job->plan->program[instruction].queue];
	struct action *c = ARENA_PUSH(m->arena, l->actions, l->count, l->capacity);

	*c = (struct action) { .verb = verb, .instruction = instruction };
	return c;
}

static int
host_begin(struct machine *m, uint64_t step, bool spans, bool *again, struct err *e)
{
	(void)spans;
	(void)e;
	m->step = step;
	*again = m->known;
	return 0;
}

static int
host_run(struct machine *m, uint32_t i, struct err *e)
{
	(void)e;
	add(m, i, VERB_RUN);
	return 0;
}

static int
host_copy(struct machine *m, uint32_t i, struct err *e)
{
	(void)e;
	add(m, i, VERB_COPY);
	return 0;
}

static int
host_delay(struct machine *m, uint32_t i, struct err *e)
{
	(void)e;
	add(m, i, VERB_DELAY);
	return 0;
}

static int
host_poison(struct machine *m, uint32_t i, bool on_host, bytes_t offset, bytes_t bytes, struct err *e)
{
	struct action *c = add(m, i, VERB_POISON);

	(void)e;
	c->at = at(m, on_host, offset);
	c->bytes = bytes;
	return 0;
}

/* Posts once for each queue that waits for i. */
static int
host_record(struct machine *m, uint32_t i, struct err *e)
{
	(void)e;
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (m->semaphore_of[i][q] != NO_SEMAPHORE)
			add(m, i, VERB_POST)->semaphore = m->semaphore_of[i][q];
	return 0;
}

/* Waits once for each pair of a queue and an instruction; a second wait would find no post. */
static int
host_wait(struct machine *m, uint32_t i, uint32_t after, struct err *e)
{
	enum queue q = m->job->plan->program[i].queue;

	(void)e;
	if ((m->waited[after] & 1u << q) == 0)
		add(m, i, VERB_WAIT)->semaphore = m->semaphore_of[after][q];
	m->waited[after] |= (uint8_t)(1u << q);
	return 0;
}

static int
host_finish(struct machine *m, struct replay_step *s, struct err *e)
{
	(void)e;
	m->known = true;
	clock_gettime(CLOCK_MONOTONIC, &m->start);
	for (int q = 0; q < QUEUE_COUNT; q++)
		sem_post(&m->workers[q].go);
	for (int q = 0; q < QUEUE_COUNT; q++)
		await(&m->workers[q].done);
	*s = (struct replay_step) { .time_us = now_us(m), .spans = m->spans };
	return 0;
}

static int
host_put(struct machine *m, bool on_host, bytes_t offset, bytes_t bytes, uint64_t seed, struct err *e)
{
	(void)e;
	pattern_fill(at(m, on_host, offset), bytes, seed, m->job->options.sample);
	return 0;
}

static int
host_digest(struct machine *m, bool on_host, bytes_t offset, bytes_t bytes, uint64_t *digest, struct err *e)
{
	(void)e;
	*digest = pattern_digest(at(m, on_host, offset), bytes, m->job->options.sample);
	return 0;
}

static int
host_formula(struct machine *m, bytes_t bytes, uint64_t seed, uint64_t *digest, struct err *e)
{
	(void)e;
	*digest = pattern_formula(bytes, seed, m->job->options.sample);
	return 0;
}

static int
host_reads(struct machine *m, const uint64_t **digests, struct err *e)
{
	(void)e;
	*digests = m->digests;
	return 0;
}

static void
host_memory(const struct machine *m, struct replay_memory *out)
{
	(void)m;
	*out = (struct replay_memory) { 0, 0 };
}

static const char *
host_device(const struct machine *m)
{
	(void)m;
	return "host";
}

static double
host_launch_gap(const struct machine *m)
{
	(void)m;
	return 0;
}

/* Makes a semaphore for each pair of an instruction and another queue that waits for it. */
static void
number_semaphores(struct machine *m, const struct plan *p)
{
	uint32_t count = 0;

	m->semaphore_of = arena_alloc(m->arena, sizeof(*m->semaphore_of), p->instruction_count);
	m->waited = ARENA_NEW(m->arena, uint8_t, p->instruction_count);
	for (uint32_t i = 0; i < p->instruction_count; i++)
		for (int q = 0; q < QUEUE_COUNT; q++)
			m->semaphore_of[i][q] = NO_SEMAPHORE;
	for (uint32_t i = 0; i < p->instruction_count; i++)
		for (uint32_t k = 0; k < p->program[i].after_count; k++) {
			uint32_t *s = &m->semaphore_of[p->program[i].after[k]][p->program[i].queue];

			if (*s == NO_SEMAPHORE)
				*s = count++;
		}
	m->semaphores = ARENA_NEW(m->arena, sem_t, count);
	for (m->semaphore_count = 0; m->semaphore_count < count; m->semaphore_count++)
		sem_init(&m->semaphores[m->semaphore_count], 0, 0);
}

static int
start_threads(struct machine *m, struct err *e)
{
	int rc;

	for (int q = 0; q < QUEUE_COUNT; q++) {
		struct worker *l = &m->workers[q];

		l->machine = m;
		sem_init(&l->go, 0, 0);
		sem_init(&l->done, 0, 0);
		l->has_semaphores = true;
		rc = pthread_create(&l->thread, NULL, work_through, l);
		if (rc != 0)
			return err_set(e, ERR_SYSTEM, "cannot start a thread for queue '%s': %s", queue_names[q], strerror(rc));
		l->has_thread = true;
	}
	return 0;
}

static int
host_open(struct machine **machine, const struct job *job, struct arena *a, struct err *e)
{
	const struct plan *p = job->plan;
	struct machine *m = *machine = ARENA_NEW(a, struct machine, 1);

	m->job = job;
	m->arena = a;
	if (map(m, p, e) < 0)
		return -1;
	m->digests = ARENA_NEW(a, uint64_t, job->read_count);
	m->spans = ARENA_NEW(a, struct sim_span, p->instruction_count);
	number_semaphores(m, p);
	return start_threads(m, e);
}

static void
host_close(struct machine *m)
{
	m->stop = true;
	for (int q = 0; q < QUEUE_COUNT; q++) {
		struct worker *l = &m->workers[q];

		if (l->has_thread) {
			sem_post(&l->go);
			pthread_join(l->thread, NULL);
		}
		if (l->has_semaphores) {
			sem_destroy(&l->go);
			sem_destroy(&l->done);
		}
	}
	for (uint32_t k = 0; k < m->semaphore_count; k++)
		sem_destroy(&m->semaphores[k]);
	if (m->device != NULL)
		munmap(m->device, (size_t)m->mapped_bytes);
}

const struct backend backend_host = {
	.name = "host", .summary = "a thread for each queue; works everywhere",
	.open = host_open, .close = host_close, .begin = host_begin, .run = host_run, .copy = host_copy,
	.delay = host_delay, .poison = host_poison, .record = host_record, .wait = host_wait, .finish = host_finish,
	.put = host_put, .digest = host_digest, .formula = host_formula, .reads = host_reads, .memory = host_memory,
	.device = host_device, .launch_gap = host_launch_gap
};
