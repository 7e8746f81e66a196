/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_cuda.cu - kernels for the data of a replay, word for word the data of pattern.c */
#include <cuda_runtime.h>

#include "cuda_validate/pattern_cuda.h"

enum { THREADS = 256, SAMPLE_THREADS = 128, BLOCKS_MAX = 132 * 8, WORDS_A_THREAD = 8 };

static_assert(PATTERN_SAMPLES == 32, "a warp touches a tensor's sample");

static __device__ uint64_t
clock_ns(void)
{
	uint64_t t;

	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t));
	return t;
}

static unsigned
blocks_for(uint64_t bytes)
{
	uint64_t blocks = (bytes / PATTERN_WORD + THREADS * WORDS_A_THREAD - 1) / (THREADS * WORDS_A_THREAD);

	return blocks < 1 ? 1 : blocks > BLOCKS_MAX ? BLOCKS_MAX : (unsigned)blocks;
}

/* ---- sums over threads ---- */

static __device__ uint64_t
warp_sum(uint64_t x)
{
	for (int k = 16; k > 0; k /= 2)
		x += __shfl_down_sync(0xffffffffu, x, k);
	return x;
}

/* Adds the x of all threads to *to. */
static __device__ void
block_add(uint64_t x, uint64_t *to)
{
	x = warp_sum(x);
	if (threadIdx.x % 32 == 0)
		atomicAdd((unsigned long long *)to, (unsigned long long)x);
}

/* ---- one tensor by the whole grid ---- */

static __device__ uint64_t
grid_digest(uint64_t address, uint64_t bytes, int sample)
{
	const uint64_t words = pattern_words(bytes), stride = pattern_stride(bytes, sample);
	const uint64_t first = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x, all = (uint64_t)gridDim.x * blockDim.x;
	const ulonglong2 *pairs = (const ulonglong2 *)address;
	uint64_t sum = 0, done = 0;

	if (stride == 1) {
		done = bytes / (2 * PATTERN_WORD);
		#pragma unroll 4
		for (uint64_t p = first; p < done; p += all) {
			ulonglong2 x = pairs[p];

			sum += pattern_share(x.x, 2 * p) + pattern_share(x.y, 2 * p + 1);
		}
		done *= 2;
	}
	for (uint64_t w = done + first * stride; w < words; w += all * stride)
		sum += pattern_share(pattern_load((const void *)address, bytes, w), w);
	return sum;
}

static __device__ void
grid_fill(uint64_t address, uint64_t bytes, uint64_t seed, int sample)
{
	const uint64_t words = pattern_words(bytes), stride = pattern_stride(bytes, sample);
	const uint64_t first = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x, all = (uint64_t)gridDim.x * blockDim.x;
	ulonglong2 *pairs = (ulonglong2 *)address;
	uint64_t done = 0;

	/* Padding may begin at an odd word. */
	if (stride == 1 && address % sizeof(*pairs) == 0) {
		done = bytes / (2 * PATTERN_WORD);
		for (uint64_t p = first; p < done; p += all)
			pairs[p] = make_ulonglong2(pattern_word(seed, 2 * p), pattern_word(seed, 2 * p + 1));
		done *= 2;
	}
	for (uint64_t w = done + first * stride; w < words; w += all * stride)
		pattern_store((void *)address, bytes, w, pattern_word(seed, w));
}

static __global__ void
fill_kernel(uint64_t address, uint64_t bytes, uint64_t seed, int sample)
{
	grid_fill(address, bytes, seed, sample);
}

static __global__ void
digest_kernel(uint64_t address, uint64_t bytes, int sample, uint64_t *digest)
{
	block_add(grid_digest(address, bytes, sample), digest);
}

static __global__ void
formula_kernel(uint64_t bytes, uint64_t seed, uint64_t *digest)
{
	const uint64_t words = pattern_words(bytes), all = (uint64_t)gridDim.x * blockDim.x;
	uint64_t sum = 0;

	for (uint64_t w = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; w < words; w += all)
		sum += pattern_share(pattern_word(seed, w) & pattern_mask(bytes, w), w);
	block_add(sum, digest);
}

/* ---- runs ---- */

/* Returns the seed of a run's writes; its digests are there. */
static __device__ uint64_t
run_seed(const struct cuda_run &r)
{
	uint64_t s = pattern_op(r.seed, r.op, r.step->step);

	for (uint32_t n = 0; n < r.read_count; n++)
		s = pattern_read(s, r.digests[n]);
	return s;
}

static __device__ uint64_t
write_seed(uint64_t run, uint64_t which)
{
	return which == PATTERN_POISON ? PATTERN_POISON : pattern_write(run, which);
}

/* Holds until the run's time is over.  Runs follow a schedule in which a launch takes no time: a run begins when the run
 * before it was due, unless it had to wait for another queue. */
static __device__ void
hold(const struct cuda_run &r, uint64_t begin)
{
	uint64_t due = r.step->due_ns;

	if (due == 0 || (r.waits && begin - r.gap_ns > due))
		due = begin - r.gap_ns;
	due += r.time_ns;
	while (r.traced && (int64_t)(due - clock_ns()) > 0)
		;
	r.step->due_ns = due;
	r.stamps[1] = clock_ns();
}

static __global__ void
read_kernel(const struct cuda_run r)
{
	if (blockIdx.x == 0 && threadIdx.x == 0)
		r.stamps[0] = clock_ns();
	for (uint32_t n = 0; n < r.read_count; n++)
		block_add(grid_digest(r.reads[n].address, r.reads[n].bytes, 0), &r.digests[n]);
}

static __global__ void
write_kernel(const struct cuda_run r)
{
	const uint64_t s = run_seed(r);

	for (uint32_t n = 0; n < r.write_count; n++)
		grid_fill(r.writes[n].address, r.writes[n].bytes, write_seed(s, r.writes[n].which), 0);
}

static __global__ void
hold_kernel(const struct cuda_run r)
{
	hold(r, r.stamps[0]);
}

/* One block; a warp for each tensor, a thread for each word of its sample. */
static __global__ void
sample_kernel(const struct cuda_run r)
{
	const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = SAMPLE_THREADS / 32;
	uint64_t begin = 0, s;

	if (threadIdx.x == 0)
		begin = clock_ns();
	for (uint32_t n = warp; n < r.read_count; n += warps) {
		const struct cuda_read x = r.reads[n];
		const uint64_t w = lane * pattern_stride(x.bytes, 1);
		uint64_t sum = w < pattern_words(x.bytes) ? pattern_share(pattern_load((const void *)x.address, x.bytes, w), w) : 0;

		sum = warp_sum(sum);
		if (lane == 0)
			r.digests[n] = sum;
	}
	__syncthreads();
	s = run_seed(r);
	for (uint32_t n = warp; n < r.write_count; n += warps) {
		const struct cuda_write x = r.writes[n];
		const uint64_t w = lane * pattern_stride(x.bytes, 1);

		if (w < pattern_words(x.bytes))
			pattern_store((void *)x.address, x.bytes, w, pattern_word(write_seed(s, x.which), w));
	}
	if (threadIdx.x == 0) {
		r.stamps[0] = begin;
		hold(r, begin);
	}
}

/* ---- delays, clocks, streams ---- */

static __global__ void
delay_kernel(uint64_t seed, uint32_t instruction, uint64_t most_ns, const struct cuda_step *step)
{
	uint64_t end = clock_ns() + pattern_delay(seed, instruction, step->step, most_ns);

	while ((int64_t)(end - clock_ns()) > 0)
		;
}

static __global__ void
stamp_kernel(uint64_t *stamp)
{
	*stamp = clock_ns();
}

static __global__ void
begin_kernel(struct cuda_step *step, uint64_t number)
{
	step->step = number;
	step->due_ns = 0;
}

static __global__ void
nothing_kernel(void)
{
}

static __global__ void
stream_kernel(ulonglong2 *to, const ulonglong2 *from, uint64_t pairs, uint32_t rounds)
{
	const uint64_t first = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x, all = (uint64_t)gridDim.x * blockDim.x;

	for (uint32_t k = 0; k < rounds; k++) {
		#pragma unroll 4
		for (uint64_t p = first; p < pairs; p += all)
			to[p] = from[p];
	}
}

/* Flash attention (Dao et al., 2022) in its plainest form: a thread owns one query, and a block's threads share a tile of keys and
 * values.  The softmax is renormalised whenever a larger score appears, so that scores never reach device memory. */
enum { ATTENTION_TILE = 32, ATTENTION_THREADS = 128 };

static __global__ void
attention_kernel(float *to, const float *query, const float *key, const float *value)
{
	enum { WIDTH = CUDA_ATTENTION_WIDTH };
	__shared__ float keys[ATTENTION_TILE][WIDTH], values[ATTENTION_TILE][WIDTH];
	const size_t head = (size_t)blockIdx.y * CUDA_ATTENTION_LENGTH * WIDTH;
	const size_t row = head + ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * WIDTH;
	float q[WIDTH], sum[WIDTH] = { 0 }, largest = -INFINITY, weight = 0;

	for (int d = 0; d < WIDTH; d++)
		q[d] = query[row + d];
	for (int first = 0; first < CUDA_ATTENTION_LENGTH; first += ATTENTION_TILE) {
		for (int i = threadIdx.x; i < ATTENTION_TILE * WIDTH; i += blockDim.x) {
			(&keys[0][0])[i] = key[head + (size_t)first * WIDTH + i];
			(&values[0][0])[i] = value[head + (size_t)first * WIDTH + i];
		}
		__syncthreads();
		for (int k = 0; k < ATTENTION_TILE; k++) {
			float score = 0, old, share;

			for (int d = 0; d < WIDTH; d++)
				score += q[d] * keys[k][d];
			old = score > largest ? __expf(largest - score) : 1;
			largest = fmaxf(largest, score);
			share = __expf(score - largest);
			weight = weight * old + share;
			for (int d = 0; d < WIDTH; d++)
				sum[d] = sum[d] * old + share * values[k][d];
		}
		__syncthreads();
	}
	for (int d = 0; d < WIDTH; d++)
		to[row + d] = sum[d] / weight;
}

/* ---- launches ---- */

static int
launched(void)
{
	return (int)cudaGetLastError();
}

int
pattern_cuda_run(const struct cuda_run *run, void *stream)
{
	unsigned blocks = blocks_for(run->work_bytes);

	read_kernel<<<blocks, THREADS, 0, (cudaStream_t)stream>>>(*run);
	if (run->write_count > 0)
		write_kernel<<<blocks, THREADS, 0, (cudaStream_t)stream>>>(*run);
	hold_kernel<<<1, 1, 0, (cudaStream_t)stream>>>(*run);
	return launched();
}

int
pattern_cuda_sample(const struct cuda_run *run, void *stream)
{
	sample_kernel<<<1, SAMPLE_THREADS, 0, (cudaStream_t)stream>>>(*run);
	return launched();
}

int
pattern_cuda_fill(uint64_t address, uint64_t bytes, uint64_t seed, int sample, void *stream)
{
	fill_kernel<<<sample ? 1 : blocks_for(bytes), THREADS, 0, (cudaStream_t)stream>>>(address, bytes, seed, sample);
	return launched();
}

int
pattern_cuda_digest(uint64_t address, uint64_t bytes, int sample, uint64_t *digest, void *stream)
{
	digest_kernel<<<sample ? 1 : blocks_for(bytes), THREADS, 0, (cudaStream_t)stream>>>(address, bytes, sample, digest);
	return launched();
}

int
pattern_cuda_formula(uint64_t bytes, uint64_t seed, uint64_t *digest, void *stream)
{
	formula_kernel<<<blocks_for(bytes), THREADS, 0, (cudaStream_t)stream>>>(bytes, seed, digest);
	return launched();
}

int
pattern_cuda_delay(uint64_t seed, uint32_t instruction, uint64_t most_ns, const struct cuda_step *step, void *stream)
{
	delay_kernel<<<1, 1, 0, (cudaStream_t)stream>>>(seed, instruction, most_ns, step);
	return launched();
}

int
pattern_cuda_stamp(uint64_t *stamp, void *stream)
{
	stamp_kernel<<<1, 1, 0, (cudaStream_t)stream>>>(stamp);
	return launched();
}

int
pattern_cuda_begin(struct cuda_step *step, uint64_t number, void *stream)
{
	begin_kernel<<<1, 1, 0, (cudaStream_t)stream>>>(step, number);
	return launched();
}

int
pattern_cuda_stream(void *to, const void *from, uint64_t bytes, uint32_t rounds, void *stream)
{
	const uint64_t pairs = bytes / 2 / sizeof(ulonglong2);

	stream_kernel<<<BLOCKS_MAX, THREADS, 0, (cudaStream_t)stream>>>((ulonglong2 *)to, (const ulonglong2 *)from, pairs, rounds);
	return launched();
}

int
pattern_cuda_attention(float *to, const float *query, const float *key, const float *value, uint32_t heads, void *stream)
{
	const dim3 blocks(CUDA_ATTENTION_LENGTH / ATTENTION_THREADS, heads);

	attention_kernel<<<blocks, ATTENTION_THREADS, 0, (cudaStream_t)stream>>>(to, query, key, value);
	return launched();
}

int
pattern_cuda_nothing(void *stream)
{
	nothing_kernel<<<1, 1, 0, (cudaStream_t)stream>>>();
	return launched();
}
