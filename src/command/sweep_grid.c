/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_grid.c - lists, ranges, and the numbering of points */
#include <config.h>
#include "src/command/sweep_grid.h"

#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

enum { NAME_MAX_LENGTH = 1000 };

const char *const axis_names[AXIS_COUNT + 1] = {
	"network", "device", "memory", "host-memory", "batch", "seq", "image", "set", "budget", "policy", "placement", "gpus-per-link", "d2h", "h2d", "link", NULL
};

/* The unit of a number in a list. */
enum quantity { QUANTITY_COUNT, QUANTITY_PERCENT, QUANTITY_BYTES, QUANTITY_RATE };

struct number { enum quantity quantity; double value; };

/* Returns the slot that holds text, or the free slot for it. */
static uint32_t *
slot_of(const struct axis_list *l, const char *text)
{
	size_t at = XXH3_64bits(text, strlen(text)) & (l->slot_count - 1);

	while (l->slots[at] != 0 && strcmp(l->values[l->slots[at] - 1].text, text) != 0)
		at = (at + 1) & (l->slot_count - 1);
	return &l->slots[at];
}

static void
make_slots(struct axis_list *l, struct arena *a)
{
	l->slot_count = l->slot_count == 0 ? 16 : 2 * l->slot_count;
	l->slots = ARENA_NEW(a, uint32_t, l->slot_count);
	for (size_t i = 0; i < l->count; i++)
		*slot_of(l, l->values[i].text) = (uint32_t)i + 1;
}

int
grid_add(struct sweep_grid *g, enum axis axis, const char *text, double number, struct arena *a, struct err *e)
{
	struct axis_list *l = &g->axes[axis];
	uint32_t *slot;
	char q[48];

	if (strlen(text) > NAME_MAX_LENGTH)
		return err_set(e, ERR_INPUT, "expected a name of at most %d characters, got '%s...'", NAME_MAX_LENGTH, err_quote(q, text));
	if (2 * (l->count + 1) > l->slot_count)
		make_slots(l, a);
	slot = slot_of(l, text);
	if (*slot != 0)
		return 0;
	if (l->count == GRID_VALUES_MAX)
		return err_set(e, ERR_INPUT, "expected at most %d values", GRID_VALUES_MAX);
	*ARENA_PUSH(a, l->values, l->count, l->capacity) = (struct axis_value) { arena_strdup(a, text), number };
	*slot = (uint32_t)l->count;
	return 0;
}

static int
parse_number(struct number *n, enum axis axis, const char *text, struct err *e)
{
	size_t length = strlen(text);
	uint64_t count;
	bytes_t bytes;

	if (axis == AXIS_BATCH || axis == AXIS_SEQ || axis == AXIS_IMAGE || axis == AXIS_GPUS) {
		if (units_parse_count(text, 1, axis == AXIS_GPUS ? 1024 : INT32_MAX, &count, e) < 0)
			return -1;
		*n = (struct number) { QUANTITY_COUNT, (double)count };
	} else if (axis == AXIS_BUDGET && length > 0 && text[length - 1] == '%') {
		n->quantity = QUANTITY_PERCENT;
		if (units_parse_percent(text, &n->value, e) < 0)
			return -1;
	} else if (axis == AXIS_BUDGET || axis == AXIS_MEMORY || axis == AXIS_HOST_MEMORY) {
		if (units_parse_size(text, &bytes, e) < 0)
			return -1;
		*n = (struct number) { QUANTITY_BYTES, (double)bytes };
	} else {
		n->quantity = QUANTITY_RATE;
		if (units_parse_rate(text, &n->value, e) < 0)
			return -1;
		if (!(n->value >= 1e3 && n->value <= 1e15))
			return err_set(e, ERR_INPUT, "expected a rate from 1kB/s to 1000TB/s, got '%s'", text);
	}
	return n->value > 0 || axis == AXIS_HOST_MEMORY ? 0 : err_set(e, ERR_INPUT, "expected more than nothing, got '%s'", text);
}

static int
add_number(struct sweep_grid *g, enum axis axis, const struct number *n, struct arena *a, struct err *e)
{
	char text[64];

	switch (n->quantity) {
	case QUANTITY_COUNT:
	case QUANTITY_BYTES:
		snprintf(text, sizeof(text), "%.0f", n->value);
		break;
	case QUANTITY_PERCENT:
		snprintf(text, sizeof(text), "%.10g%%", n->value);
		break;
	default:
		snprintf(text, sizeof(text), "%.10gB/s", n->value);
	}
	return grid_add(g, axis, text, n->value, a, e);
}

/* Adds the values of from:to:step or from:to:xFACTOR. */
static int
add_range(struct sweep_grid *g, enum axis axis, char *from_text, char *to_text, char *step_text, struct arena *a, struct err *e)
{
	struct number from, to, step, n;
	bool times = *step_text == 'x';
	uint64_t factor = 0;

	if (parse_number(&from, axis, from_text, e) < 0 || parse_number(&to, axis, to_text, e) < 0)
		return -1;
	if (times && units_parse_count(step_text + 1, 2, 1000000, &factor, e) < 0)
		return -1;
	if (!times && parse_number(&step, axis, step_text, e) < 0)
		return -1;
	if (from.quantity != to.quantity || (!times && from.quantity != step.quantity))
		return err_set(e, ERR_INPUT, "expected percentages or sizes, got a range '%s:%s:%s' of both", from_text, to_text, step_text);
	if (to.value < from.value)
		return err_set(e, ERR_INPUT, "expected a range that rises, got '%s:%s'", from_text, to_text);
	n = from;
	/* The margin keeps a last value that rounding has put above `to`. */
	for (uint32_t i = 1; n.value <= to.value * (1 + 1e-12); i++) {
		if (add_number(g, axis, &n, a, e) < 0)
			return -1;
		n.value = times ? n.value * (double)factor : from.value + i * step.value;
	}
	return 0;
}

static int
add_item(struct sweep_grid *g, enum axis axis, char *item, struct arena *a, struct err *e)
{
	bool is_name = axis == AXIS_NETWORK || axis == AXIS_DEVICE || axis == AXIS_POLICY || axis == AXIS_PLACEMENT;
	char *to, *step, q[48];
	struct number n;

	if (*item == '\0')
		return err_set(e, ERR_INPUT, "expected a value between commas, got nothing");
	if (is_name)
		return grid_add(g, axis, item, 0, a, e);
	if (axis == AXIS_BUDGET && strcmp(item, "all") == 0)
		return grid_add(g, axis, "all", 0, a, e);
	to = strchr(item, ':');
	if (to == NULL)
		return parse_number(&n, axis, item, e) < 0 ? -1 : add_number(g, axis, &n, a, e);
	*to++ = '\0';
	step = strchr(to, ':');
	if (step == NULL)
		return err_set(e, ERR_INPUT, "expected a range such as 16:128:16 (from:to:step) or 16:128:x2, got '%s:%s'", item, err_quote(q, to));
	*step++ = '\0';
	return add_range(g, axis, item, to, step, a, e);
}

int
grid_parse(struct sweep_grid *g, enum axis axis, const char *text, struct arena *a, struct err *e)
{
	char *list = arena_strdup(a, text), *next;

	for (char *item = list; item != NULL; item = next) {
		next = strchr(item, ',');
		if (next != NULL)
			*next++ = '\0';
		if (add_item(g, axis, item, a, e) < 0)
			return err_at(e, "--%s", axis_names[axis]);
	}
	return 0;
}

int
grid_finish(struct sweep_grid *g, struct err *e)
{
	uint64_t points = 1, links = 1;

	for (int x = 0; x < AXIS_COUNT; x++) {
		points *= g->axes[x].count;
		if (x >= AXIS_FIRST_LINK)
			links *= g->axes[x].count;
		if (points > GRID_POINTS_MAX)
			return err_set(e, ERR_INPUT, "expected a grid of at most %d points, got more", GRID_POINTS_MAX);
	}
	g->point_count = (uint32_t)points;
	g->link_count = (uint32_t)links;
	return 0;
}

const struct axis_value *
grid_value(const struct sweep_grid *g, uint32_t point, enum axis axis)
{
	for (int x = AXIS_COUNT - 1; x > (int)axis; x--)
		point /= (uint32_t)g->axes[x].count;
	return &g->axes[axis].values[point % g->axes[axis].count];
}

void
grid_key(char key[GRID_KEY_MAX], const struct sweep_grid *g, uint32_t point)
{
	size_t n = 0;

	for (int x = 0; x < AXIS_COUNT && n < GRID_KEY_MAX; x++) {
		const char *text = grid_value(g, point, (enum axis)x)->text;

		if (*text != '\0')
			n += (size_t)snprintf(key + n, GRID_KEY_MAX - n, "%s%s=%s", x == 0 ? "" : " ", axis_names[x], text);
	}
}
