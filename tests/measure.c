/* SPDX-License-Identifier: Apache-2.0 */
/* measure COMMAND [ARGUMENT]...: run it with its output thrown away and print "WALL CPU MEBIBYTES":
 * seconds that passed, seconds of processor time, peak resident memory.  For the benchmarks; not a test. */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static double
seconds_of(const struct timeval *tv)
{
	return (double)tv->tv_sec + 1e-6 * (double)tv->tv_usec;
}

int
main(int argc, char **argv)
{
	double begin = seconds_now();
	struct rusage use;
	int status, null;
	pid_t child;

	if (argc < 2)
		return 2;
	child = fork();
	if (child == 0) {
		null = open("/dev/null", O_WRONLY);
		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			_exit(127);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &use) < 0) {
		perror("measure");
		return 3;
	}
	printf("%.3f %.3f %.1f\n", seconds_now() - begin, seconds_of(&use.ru_utime) + seconds_of(&use.ru_stime),
	    (double)use.ru_maxrss / 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
