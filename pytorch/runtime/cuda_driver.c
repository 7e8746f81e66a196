/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_driver.c - loads NVIDIA's driver, and holds the contexts of the GPUs in use */
#include <config.h>
#include "pytorch/runtime/cuda_driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct cuda_driver driver;
static cuda_context contexts[CUDA_GPUS];	/* retained for the life of the process, as PyTorch does */
static char missing[128];		/* why there is no driver; "": there is one */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const exported_names[] = {
#define ROW(name, exported, arguments) #exported,
	CUDA_DRIVER(ROW)
#undef ROW
};

static void
load(void)
{
	void *library = dlopen("libcuda.so.1", RTLD_NOW), *found;

	if (library == NULL) {
		snprintf(missing, sizeof(missing), "no CUDA driver: libcuda.so.1 is not found");
		return;
	}
	for (size_t k = 0; k < sizeof(exported_names) / sizeof(*exported_names); k++) {
		found = dlsym(library, exported_names[k]);
		if (found == NULL) {
			snprintf(missing, sizeof(missing), "the CUDA driver is too old: it has no %s", exported_names[k]);
			return;
		}
		/* The struct is one function pointer for each name, in the same order. */
		memcpy((char *)&driver + k * sizeof(found), &found, sizeof(found));
	}
	if (driver.init(0) != 0)
		snprintf(missing, sizeof(missing), "no CUDA device: cuInit has failed");
}

const struct cuda_driver *
cuda_driver(struct err *e)
{
	pthread_once(&once, load);
	if (missing[0] == '\0')
		return &driver;
	err_set(e, ERR_SYSTEM, "%s", missing);
	return NULL;
}

static int
find_context(const struct cuda_driver *d, int32_t number, cuda_context *context, struct err *e)
{
	int device;

	if (contexts[number] == NULL) {
		CUDA_CALL(d, device, (&device, number), e);
		CUDA_CALL(d, context_retain, (&contexts[number], device), e);
	}
	*context = contexts[number];
	return 0;
}

int
cuda_enter(const struct cuda_driver *d, int32_t number, struct err *e)
{
	cuda_context context = NULL;
	int rc;

	if (number < 0 || number >= CUDA_GPUS)
		return err_set(e, ERR_INPUT, "no GPU %d", (int)number);
	pthread_mutex_lock(&lock);
	rc = find_context(d, number, &context, e);
	pthread_mutex_unlock(&lock);
	if (rc < 0)
		return -1;
	CUDA_CALL(d, context_push, (context), e);
	return 0;
}

void
cuda_leave(const struct cuda_driver *d)
{
	cuda_context context;

	(void)d->context_pop(&context);
}

int
cuda_failed(const struct cuda_driver *d, const char *call, cuda_result rc, struct err *e)
{
	const char *name = NULL, *text = NULL;

	(void)d->error_name(rc, &name);
	(void)d->error_text(rc, &text);
	return err_set(e, ERR_SYSTEM, "CUDA, %s: %s (%s)", call, text != NULL ? text : "unknown error", name != NULL ? name : "?");
}
