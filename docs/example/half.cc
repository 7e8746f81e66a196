// SPDX-License-Identifier: Apache-2.0
// half.cc - half.c in C++17: handles that free themselves, errors as exceptions
//
//	c++ -std=c++17 half.cc $(pkg-config --cflags --libs layrub) -o half
//	./half graphs/resnet50 h100
#include <cstdio>
#include <exception>
#include <layrub.h>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

constexpr unsigned shown = 12;

// An _INIT of the header is for C: its designated initialisers are not C++17.
template <class Struct> Struct sized()
{
	Struct s = {};
	s.size = sizeof(s);
	return s;
}

template <auto free> struct Freed {
	template <class Handle> void operator()(Handle *handle) const { free(handle); }
};
using Problem = std::unique_ptr<layrub_problem, Freed<layrub_problem_free>>;
using Plan = std::unique_ptr<layrub_plan, Freed<layrub_plan_free>>;

struct Error : std::runtime_error {
	uint32_t code;

	explicit Error(const layrub_error &e) : std::runtime_error(line(e)), code(e.code) {}
	static std::string line(const layrub_error &e)
	{
		char buffer[2048];

		return layrub_error_line(&e, buffer, sizeof(buffer));
	}
};

// Calls a function of the library that takes an error last.  Returns its result, or throws the error.
template <class Function, class... Arguments> auto call(Function function, Arguments... arguments)
{
	auto e = sized<layrub_error>();
	auto result = function(arguments..., &e);

	if (e.code != LAYRUB_OK)
		throw Error(e);
	return result;
}

double mib(uint64_t bytes)
{
	return static_cast<double>(bytes) / (1 << 20);
}

// Prints the work of an executor for one instruction: queues become streams, `after` becomes events.
void show(const layrub_program &p, const layrub_graph &g, uint32_t id)
{
	static const char *const queues[LAYRUB_QUEUES] = {"compute", "out", "in"};
	const layrub_instruction &in = p.instructions[id];
	std::string line;

	auto list = [&line](const char *first, uint32_t count, auto &&value) {
		for (uint32_t i = 0; i < count; i++)
			line += (i == 0 ? first : "") + (" " + std::to_string(value(i)));
	};
	if (in.queue == LAYRUB_COMPUTE) {
		line = std::string("run ") + g.ops[in.op].name;
		list(" from", in.read_count, [&](uint32_t i) { return p.buffers[in.reads[i]].offset_bytes; });
		list(" to", in.write_count, [&](uint32_t i) { return p.buffers[in.writes[i]].offset_bytes; });
	} else {
		line = "copy " + std::to_string(in.bytes) + " bytes " + (in.queue == LAYRUB_OUT ? "to" : "from") + " the host";
	}
	list(", after", in.after_count, [&](uint32_t i) { return in.after[i]; });
	std::printf("%4u  %-7s  %s\n", id, queues[in.queue], line.c_str());
}

void report(layrub_plan *plan)
{
	const layrub_program &p = *layrub_plan_program(plan);
	auto now = sized<layrub_figures>(), changed = sized<layrub_figures>();
	auto slower = sized<layrub_change>();
	const layrub_change *own = nullptr;
	layrub_timeline **no_timeline = nullptr;

	slower.h2d_bytes_per_s = slower.d2h_bytes_per_s = 16e9;
	call(layrub_plan_simulate, plan, own, &now, no_timeline);
	call(layrub_plan_simulate, plan, &slower, &changed, no_timeline);
	std::printf("policy   %s\n", p.policy);
	std::printf("arena    %.0f MiB of %.0f MiB\n", mib(p.arena_bytes), mib(now.budget_bytes));
	std::printf("host     %.0f MiB\n", mib(p.host_bytes));
	std::printf("step     %.1f ms, %.1f ms with everything resident\n", now.step_time_us / 1e3, now.ideal_time_us / 1e3);
	std::printf("         %.1f ms with a link of 16 GB/s\n", changed.step_time_us / 1e3);
	std::printf("first %u of %u instructions\n", shown, p.instruction_count);
	for (uint32_t i = 0; i < p.instruction_count && i < shown; i++)
		show(p, *layrub_plan_graph(plan), i);
}

void run(const char *step, const char *device, const char *policy)
{
	auto where = sized<layrub_problem_options>();
	auto half = sized<layrub_plan_options>();

	where.device = device;
	half.budget_percent = 50;
	half.policy = policy;
	Problem problem(call(layrub_problem_open, step, &where));
	std::printf("needs    %.0f MiB\n", mib(layrub_problem_needs(problem.get())->peak_bytes));
	Plan plan(call(layrub_plan_make, problem.get(), &half));
	report(plan.get());
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 4) {
		std::fputs("usage: half NETWORK|GRAPH DEVICE [POLICY]\n", stderr);
		return 2;
	}
	try {
		run(argv[1], argv[2], argc > 3 ? argv[3] : nullptr);
	} catch (const Error &e) {
		std::fprintf(stderr, "half: %s\n", e.what());
		return e.code == LAYRUB_INFEASIBLE ? 1 : 2;
	} catch (const std::exception &e) {
		std::fprintf(stderr, "half: %s\n", e.what());
		return 2;
	}
	return 0;
}
