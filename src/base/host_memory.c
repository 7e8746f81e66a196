/* SPDX-License-Identifier: Apache-2.0 */
/* host_memory.c - reads /proc/meminfo, maps a pool, and reports missing memory */
#include <config.h>
#include "src/base/host_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bytes_t
read_meminfo(const char *key)
{
	FILE *in = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	if (in == NULL)
		return 0;
	while (kib == 0 && fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtoull(line + strlen(key), NULL, 10);
	fclose(in);
	return (bytes_t)kib << 10;
}

bytes_t
host_memory_available(void)
{
	return read_meminfo("MemAvailable:");
}

int
host_memory_map(void **memory, const char *what, bytes_t bytes, struct err *e)
{
	void *p = bytes > SIZE_MAX ? MAP_FAILED : mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return host_memory_missing(what, bytes, e);
#ifdef MADV_HUGEPAGE
	madvise(p, (size_t)bytes, MADV_HUGEPAGE);
#endif
	*memory = p;
	return 0;
}

int
host_memory_missing(const char *what, bytes_t wanted, struct err *e)
{
	char want[32], have[32], lack[32];
	bytes_t available = host_memory_available();

	if (available == 0 || available >= wanted)
		return err_set(e, ERR_SYSTEM, "not enough host memory: the %s needs %s, and the system refused it", what,
		    units_size(want, wanted));
	return err_set(e, ERR_SYSTEM, "not enough host memory: the %s needs %s, %s are there, %s are missing", what,
	    units_size(want, wanted), units_size(have, available), units_size(lack, wanted - available));
}
