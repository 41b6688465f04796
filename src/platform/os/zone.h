/*
 * Time zones by name, from the system's zone files: how far local time is ahead of UTC at a moment.
 * Names are those of the tz database (Europe/London), UTC and UTC+HH:MM, and the short ones that
 * Java knows (PST, JST ...). Nothing here is global: no TZ variable, no locale.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* ERR_INVALID: there is no such zone; the message names it. */
int zone_check(struct str name, struct err *err) MUST_USE;

/* Seconds that local time is ahead of UTC at utc_s (seconds since 1970). Scratch from the arena. */
int zone_offset(struct arena *a, struct str name, int64_t utc_s, int *ret_ahead_s,
                struct err *err) MUST_USE;

/* The same for the text of a zone file's last line, such as "GMT0BST,M3.5.0/1,M10.5.0"; false: it
 * is none. For zone.c and its test. */
bool zone_rule_offset(struct str rule, int64_t utc_s, int *ret_ahead_s);
