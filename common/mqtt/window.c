/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/window.h"

void
window_reset(struct window *w, size_t ours)
{
	*w = (struct window){.ours = ours};
}

size_t
window_size(const struct window *w)
{
	size_t theirs = w->seen >= WINDOW_LEARNED ? w->guess : w->known;

	return theirs > 0 && (w->ours == 0 || theirs < w->ours) ? theirs : w->ours;
}

bool
window_is_theirs(const struct window *w)
{
	return w->known > 0 && w->known == window_size(w) && w->known != w->ours;
}

static void
forget_guess(struct window *w)
{
	w->guess = 0;
	w->seen = 0;
}

/* It did not come back to where it stood, or not at once. */
static void
look_no_more(struct window *w)
{
	w->stood = 0;
	forget_guess(w);
}

static void
acknowledged(struct window *w, int64_t now, int64_t trip)
{
	if (now > w->at_once && !w->holds)
		w->held = 0;
	if (w->stood > 0 && now > w->at_once)
		look_no_more(w);
	if (w->stood == 0 && now - w->came >= WINDOW_STANDS)
		w->stood = w->n;
	w->at_once = now + WINDOW_AT_ONCE + 2 * trip;
}

static void
see(struct window *w)
{
	if (w->guess != w->stood)
		w->seen = 0;
	w->guess = w->stood;
	w->stood = 0;
	if (w->seen < WINDOW_KNOWN)
		w->seen++;
	if (w->seen == WINDOW_KNOWN)
		w->known = w->guess;
}

static void
came(struct window *w, size_t n, int64_t now)
{
	w->came = now;
	if (n > w->guess)
		forget_guess(w);
	if (n > w->known)
		w->known = 0;
	if (w->stood == 0)
		return;
	if (n > w->stood || now > w->at_once)
		look_no_more(w);
	else if (n == w->stood)
		see(w);
}

void
window_look(struct window *w, size_t n, int64_t now, int64_t trip)
{
	size_t limit;

	if (n < w->n)
		acknowledged(w, now, trip);
	else if (n > w->n)
		came(w, n, now);
	w->n = n;
	limit = window_size(w);
	if (limit == 0 || n < limit) {
		w->holds = false;
	} else if (!w->holds) {
		w->holds = true;
		if (now > w->at_once || w->held == 0)
			w->held = now;
	}
}

int64_t
window_wait(const struct window *w, int64_t now)
{
	int64_t left = w->held + WINDOW_STANDS - now;

	if (!w->holds)
		return -1;
	return left > 0 ? left : 0;
}
